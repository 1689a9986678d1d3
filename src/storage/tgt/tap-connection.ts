import { connect, type Socket } from 'node:net';
import { type Digests, noDigests, RawPdu } from '../../wire/iscsi/pdu.ts';
import { PduFraming, type Unframeable } from '../../wire/iscsi/framing.ts';
import type { Patience } from '../patience.ts';

/** Whom a connection asks what to do with what comes by. */
export interface Passage {
  /**
   * From the client; calls `toTarget` for what is to go on. While a promise is pending nothing further is taken, so that
   * commands go on in the order in which they came.
   */
  fromClient(pdu: RawPdu): void | Promise<void>;
  /** From tgtd; calls `toClient` for what is to go on, in order. */
  fromTarget(pdu: RawPdu): void | Promise<void>;
  /** Called before answers go out: what they acknowledge must be on record. */
  beforeAnswers(): void;
  /** Bytes that are under way or may come back for what the client has asked. */
  readonly costBytes: number;
  /** Whether an answer may come to what is under way, without the client's doing. */
  readonly awaitsTarget: boolean;
  /** Whether the client has not logged in yet. */
  readonly isLoggingIn: boolean;
  /** It is over; what was under way will have no answer. Called once. */
  ended(reason: string): void;
}

/** tgtd takes no more in one segment of a login, and what was configured afterwards (target.ts). */
const MOST_LOGIN_BYTES = 8192;
const MOST_CLIENT_BYTES = 262144;
const MOST_TARGET_BYTES = 0xff_ffff;
/** Most that one client may have asked for and not taken. */
const MOST_COST_BYTES = 64 * 1024 * 1024;
/** tgtd takes what it is sent at once; so much of it waits here when it does not. */
const MOST_UNSENT_BYTES = 4 * 1024 * 1024;
/** How long answers to a client that has left are awaited. */
const LINGER_MS = 10_000;
const LAST_ANSWERS_MS = 1000;

/**
 * One client and its connection to tgtd, PDU by PDU. tgtd serves everybody from one loop, which it stops when somebody does
 * not take an answer; so its side is always read, and what a client may ask for before it has taken its answers is
 * bounded here. tgtd sees whole PDUs alone, however slowly they come.
 */
export class TapConnection {
  readonly id: number;
  readonly peer: string;
  /** Address and port of the tap as the client reached it. */
  readonly reached: { host: string; port: number };
  readonly #client: Socket;
  readonly #target: Socket;
  readonly #passage: Passage;
  readonly #patience: Patience;
  readonly #fromClient = new PduFraming(MOST_LOGIN_BYTES);
  readonly #fromTarget = new PduFraming(MOST_TARGET_BYTES);
  readonly #negotiating: NodeJS.Timeout;
  #digests: Digests = noDigests;
  /** `leaving`: the client sends nothing more; what it sent goes on. */
  #state: 'open' | 'leaving' | 'ended' = 'open';
  #why = '';
  #clientBusy = false;
  #targetBusy = false;
  #isStalled = false;
  #isClientGone = false;
  #corked = false;
  #linger: NodeJS.Timeout | undefined;

  constructor(
    { id, peer, client, upstreamPort }: { id: number; peer: string; client: Socket; upstreamPort: number },
    passageOf: (connection: TapConnection) => Passage,
    patience: Patience,
  ) {
    this.id = id;
    this.peer = peer;
    this.#client = client;
    this.#patience = patience;
    this.reached = { host: client.localAddress ?? '', port: client.localPort ?? 0 };
    this.#passage = passageOf(this);
    this.#target = connect({ host: '127.0.0.1', port: upstreamPort });
    client.setNoDelay(true);
    client.setKeepAlive(true, 10_000);
    this.#target.setNoDelay(true);
    this.#negotiating = setTimeout(() => this.#stillNegotiating(), patience.negotiateMs);
    this.#listen();
  }

  /** What was agreed upon holds from the next PDU on, in both directions. */
  loggedIn(digests: Digests): void {
    clearTimeout(this.#negotiating);
    this.#digests = digests;
    this.#fromClient.agree(digests, MOST_CLIENT_BYTES);
    this.#fromTarget.agree(digests, MOST_TARGET_BYTES);
  }

  /** What the client has asked for and not taken. */
  get owedBytes(): number {
    return this.#passage.costBytes + (this.#isClientGone ? 0 : this.#client.writableLength);
  }

  get digests(): Digests {
    return this.#digests;
  }

  toTarget(pieces: readonly Uint8Array[]): void {
    this.#target.cork();
    for (const piece of pieces) this.#target.write(piece);
    this.#target.uncork();
  }

  toClient(pieces: readonly Uint8Array[]): void {
    if (this.#isClientGone || this.#state === 'ended') return;
    if (!this.#corked) {
      this.#corked = true;
      this.#client.cork();
      setImmediate(() => this.#flush());
    }
    for (const piece of pieces) this.#client.write(piece);
  }

  /** Nothing that the client sends goes on any more; answers still come. */
  stall(): void {
    this.#isStalled = true;
  }

  /** Takes nothing more from the client; ends when what is under way was answered. */
  leave(reason: string): void {
    if (this.#state !== 'open') return;
    this.#state = 'leaving';
    this.#why = reason;
    this.#pump();
  }

  /**
   * Ends it for the client, and passes nothing more on; what tgtd is at already is awaited, so that what became of it is
   * known, above all of a PERSISTENT RESERVE OUT.
   */
  cut(reason: string): void {
    if (this.#state === 'ended') return;
    this.#isStalled = true;
    if (!this.#isClientGone) this.#closeClient();
    this.#isClientGone = true;
    if (this.#state === 'leaving') return this.#leaveIfDone();
    this.leave(reason);
  }

  /** Ends it now, on both sides. What was passed on to tgtd may still be carried out. */
  end(reason: string): void {
    if (this.#state === 'ended') return;
    this.#passage.ended(reason);
    if (!this.#isClientGone) this.#closeClient();
    this.#state = 'ended';
    clearTimeout(this.#negotiating);
    clearTimeout(this.#linger);
    this.#target.destroy();
  }

  /** Lets the last answers out first, if they are taken. */
  #closeClient(): void {
    this.#flush();
    this.#client.pause();
    this.#client.destroySoon();
    const late = setTimeout(() => this.#client.destroy(), LAST_ANSWERS_MS);
    this.#client.once('close', () => clearTimeout(late));
  }

  #listen(): void {
    const [client, target] = [this.#client, this.#target];
    client.on('data', (chunk: Buffer) => {
      if (this.#state !== 'open' || this.#isStalled) return;
      this.#fromClient.push(chunk);
      this.#pump();
    });
    client.on('drain', () => this.#pump());
    client.on('end', () => this.leave('the client closed the connection'));
    client.on('error', (error) => this.#clientGone(`the connection broke: ${error.message}`));
    client.on('close', () => this.#clientGone('the client closed the connection'));
    client.on('timeout', () => this.#nothingMoved());
    client.setTimeout(this.#patience.moveMs);
    client.resume(); // it may have waited for a tgtd
    target.on('data', (chunk: Buffer) => {
      this.#fromTarget.push(chunk);
      this.#drainTarget();
    });
    target.on('drain', () => this.#pump());
    target.on('error', (error) => this.end(`the connection to tgtd broke: ${error.message}`));
    target.on('close', () => this.end('tgtd closed the connection'));
  }

  #clientGone(reason: string): void {
    this.#isClientGone = true;
    this.leave(reason);
    this.#pump();
  }

  #pump(): void {
    while (this.#state !== 'ended' && !this.#clientBusy && !this.#isStalled && this.#hasRoom()) {
      const pdu = this.#fromClient.take();
      if (pdu === undefined) break;
      if (!(pdu instanceof RawPdu)) return this.cut(brokenBy('the client', pdu));
      this.#clientBusy = true;
      const work = this.#passage.fromClient(pdu);
      if (work === undefined) this.#clientBusy = false;
      else void work.then(() => this.#released());
    }
    if (this.#state === 'open') {
      if (this.#isStalled || (!this.#clientBusy && this.#hasRoom())) this.#client.resume();
      else this.#client.pause();
    }
    if (this.#state === 'leaving') this.#leaveIfDone();
  }

  #released(): void {
    this.#clientBusy = false;
    this.#pump();
  }

  #hasRoom(): boolean {
    return this.#target.writableLength < MOST_UNSENT_BYTES && this.owedBytes < MOST_COST_BYTES;
  }

  /** After the last whole PDU of a client that has left, once nothing more will come of it. */
  #leaveIfDone(): void {
    if (this.#clientBusy && !this.#isStalled) return;
    if (!this.#passage.awaitsTarget && !this.#targetBusy) return this.end(this.#why);
    this.#linger ??= setTimeout(() => this.end(this.#why), LINGER_MS);
  }

  #drainTarget(): void {
    while (this.#state !== 'ended' && !this.#targetBusy) {
      const pdu = this.#fromTarget.take();
      if (pdu === undefined) break;
      if (!(pdu instanceof RawPdu)) return this.end(brokenBy('tgtd', pdu));
      this.#targetBusy = true;
      const work = this.#passage.fromTarget(pdu);
      if (work !== undefined) return void work.then(() => this.#answered());
      this.#targetBusy = false;
    }
    this.#pump();
  }

  #answered(): void {
    this.#targetBusy = false;
    this.#drainTarget();
  }

  #flush(): void {
    if (!this.#corked) return;
    this.#corked = false;
    this.#passage.beforeAnswers();
    this.#client.uncork();
  }

  #stillNegotiating(): void {
    if (this.#passage.isLoggingIn)
      this.end(`the client did not log in within ${this.#patience.negotiateMs} ms`);
  }

  /** Neither sent nor received anything for so long; that is fine as long as nothing is awaited of the client. */
  #nothingMoved(): void {
    const forMs = this.#patience.moveMs;
    if (this.#state === 'ended') return;
    if (this.#client.writableLength > 0) return this.cut(`the client took no answer for ${forMs} ms`);
    if (!this.#clientBusy && !this.#isStalled && this.#fromClient.heldBytes > 0) {
      this.cut(`the client sent half a PDU, then nothing for ${forMs} ms`);
    }
  }
}

function brokenBy(whom: string, { text }: Unframeable): string {
  return `protocol error: ${whom} sent ${text}`;
}
