import type { Socket } from 'node:net';
import type { Grant } from '../ports/audit.ts';
import { NBD_ERROR } from '../wire/nbd/constants.ts';
import type { ServedExport } from '../wire/nbd/server/export.ts';
import type { ServerOutcome, ServerRequest } from '../wire/nbd/server/outcome.ts';
import { NbdServerWire } from '../wire/nbd/server/server.ts';
import { simpleReply } from '../wire/nbd/server/simple-reply.ts';
import { type Patience, usualPatience } from './patience.ts';
import type { GateTls, TlsIdentity } from './tls.ts';

/** What a client was let into. */
export type Access = { kind: 'quorum'; export: string } | { kind: 'data'; export: string; grant: Grant };

export type Intent = 'go' | 'info' | 'export-name';

/** Whom a connection asks what to do. */
export interface ConnectionHost {
  /** The names that anybody may list. */
  readonly listed: readonly string[];
  /** Null: clients are talked to in plain. */
  readonly tls: GateTls | null;
  /** Answered, now or later, by `admit` or `refuse`. */
  exportWanted(connection: Connection, name: string, intent: Intent): void;
  /** Answered, now or later, by `answer` or `drop`; once. */
  request(connection: Connection, access: Access, request: ServerRequest): void;
  /** Called before answers go out: what they acknowledge must be on record. */
  beforeAnswers(): void;
  /** The connection is over; requests of it may still be under way. */
  ended(connection: Connection, reason: string): void;
}

/**
 * Most bytes of requests and answers that one connection may have under way. For the data area two of the largest
 * requests; for the quorum area, where anybody may connect as often as he likes, a few times the whole of it.
 */
const MOST_BYTES_IN_FLIGHT = { data: 64 * 1024 * 1024, quorum: 256 * 1024 };
/** What a request costs beside its payload, so that there is a bound for many empty ones too. */
const BYTES_PER_REQUEST = 256;
/** A client has nothing to say while its export is being decided. */
const MOST_BYTES_WHILE_DECIDING = 256 * 1024;
/** How long a connection that ended may take to hand its last answers to the network. */
const LINGER_MS = 1000;

/** One client: its socket, its side of the wire, and how much of it is under way. */
export class Connection {
  readonly id: number;
  /** The client's address without its port; `unix` for a Unix socket. */
  readonly peer: string;
  /** Under TLS: the one that goes through the connection. */
  #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #wire: NbdServerWire;
  readonly #listeners = {
    data: (chunk: Buffer): void => this.#received(chunk),
    drain: (): void => this.#pump(),
    end: (): void => this.leave('the client closed the connection'),
    error: (error: Error): void => this.end(`the connection broke: ${error.message}`),
    close: (): void => this.end('the client closed the connection'),
    timeout: (): void => this.#nothingMoved(),
  };
  #access: Access | null = null;
  #identity: TlsIdentity | null | undefined;
  #state: 'open' | 'securing' | 'leaving' | 'ended' = 'open';
  #leaveReason = '';
  #bytesInFlight = 0;
  #requestsInFlight = 0;
  #corked = false;
  #pumping = false;
  readonly #patience: Patience;
  readonly #negotiating: NodeJS.Timeout;

  constructor(id: number, peer: string, socket: Socket, host: ConnectionHost, patience = usualPatience) {
    this.id = id;
    this.peer = peer;
    this.#socket = socket;
    this.#host = host;
    this.#patience = patience;
    this.#wire = new NbdServerWire(host.listed, host.tls?.mode);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
    this.#listenTo(socket);
    this.#negotiating = setInterval(() => this.#stillNegotiating(), patience.negotiateMs);
    this.#send(this.#wire.greeting());
  }

  /** Who the client has shown to be; null without a certificate that was checked, undefined in plain. */
  get identity(): TlsIdentity | null | undefined {
    return this.#identity;
  }

  get access(): Access | null {
    return this.#access;
  }

  get requestsInFlight(): number {
    return this.#requestsInFlight;
  }

  /** Lets the client into what it asked for; with NBD_OPT_INFO it is only told about it. */
  admit(access: Access, served: ServedExport, intent: Intent): void {
    if (intent !== 'info') {
      this.#access = access;
      clearInterval(this.#negotiating);
    }
    this.#send(this.#wire.admit(served));
    this.#pump();
  }

  refuse(text: string): void {
    const bytes = this.#wire.refuse(text);
    if (bytes === null) return this.end('refused; NBD_OPT_EXPORT_NAME has no other answer');
    this.#send(bytes);
    this.#pump();
  }

  /** Answers a request. `reply` is the whole of it. */
  answer(request: ServerRequest, reply: Uint8Array): void {
    this.#settled(request);
    if (this.#state === 'ended') return;
    this.#send(reply);
    this.#pump();
    this.#endWhenAnswered();
  }

  /** A request will not be carried out and not be answered. */
  drop(request: ServerRequest): void {
    this.#settled(request);
    this.#endWhenAnswered();
  }

  /** Takes no further request; ends when those under way are answered. */
  leave(reason: string): void {
    if (this.#state === 'securing') return this.end(reason);
    if (this.#state !== 'open') return;
    this.#state = 'leaving';
    this.#leaveReason = reason;
    this.#socket.pause();
    this.#endWhenAnswered();
  }

  /**
   * Ends the connection now. Nothing that comes in later is looked at. `refused` are requests of it that will not be
   * carried out: the client is told so, as far as it still listens.
   */
  end(reason: string, refused: readonly ServerRequest[] = []): void {
    if (this.#state === 'ended') return;
    for (const request of refused) this.#send(simpleReply(request.cookie, NBD_ERROR.ESHUTDOWN));
    this.#state = 'ended';
    clearInterval(this.#negotiating);
    this.#flush();
    this.#socket.pause();
    this.#socket.destroySoon();
    const linger = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once('close', () => clearTimeout(linger));
    this.#host.ended(this, reason);
  }

  /** Requests that have come in whole and were not taken up yet. */
  *untaken(): Generator<ServerRequest> {
    for (let outcome = this.#wire.next(); outcome !== undefined; outcome = this.#wire.next()) {
      if (outcome.kind === 'request') yield outcome.request;
    }
  }

  #listenTo(socket: Socket): void {
    for (const [event, listener] of Object.entries(this.#listeners)) socket.on(event, listener);
    socket.setTimeout(this.#patience.moveMs);
  }

  /** From the acknowledgement on everything goes through TLS, or the connection ends. */
  async #startTls(acknowledgement: Uint8Array): Promise<void> {
    const plain = this.#socket;
    this.#state = 'securing';
    const injected = this.#wire.next();
    if (injected?.kind === 'broken') return this.end(`protocol error: ${injected.why}`);
    for (const [event, listener] of Object.entries(this.#listeners)) plain.off(event, listener);
    plain.pause();
    this.#flush();
    try {
      const { socket, identity } = await this.#host.tls!.secure(plain, acknowledgement);
      this.#secured(socket, identity);
    } catch (error) {
      this.end(`the TLS handshake failed: ${(error as Error).message}`);
    }
  }

  #secured(socket: Socket, identity: TlsIdentity | null): void {
    if (this.#state !== 'securing') return void socket.on('error', () => undefined).destroy();
    this.#socket = socket;
    this.#identity = identity;
    this.#listenTo(socket);
    this.#state = 'open';
    this.#wire.secured();
    this.#pump();
  }

  #stillNegotiating(): void {
    if (this.#wire.status !== 'negotiating') return;
    this.end(`the client asked for no export that it could have within ${this.#patience.negotiateMs} ms`);
  }

  /** Neither sent nor received anything for so long; that is fine as long as nothing is awaited of the client. */
  #nothingMoved(): void {
    const forMs = this.#patience.moveMs;
    if (this.#state === 'ended') return;
    if (this.#socket.writableLength > 0) return this.end(`the client took no answer for ${forMs} ms`);
    if (this.#hasRoom() && this.#wire.midway)
      this.end(`the client sent half a request, then nothing for ${forMs} ms`);
  }

  #received(chunk: Buffer): void {
    if (this.#state !== 'open') return;
    this.#wire.receive(chunk);
    if (this.#wire.status === 'deciding' && this.#wire.unread > MOST_BYTES_WHILE_DECIDING) {
      return this.end('the client sends requests before it was let in');
    }
    this.#pump();
  }

  /** Takes up what came in, as far as there is room for it; without room the socket is not read. */
  #pump(): void {
    // What is decided at once comes back here from within: the loop further out goes on with it.
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#state === 'open' && this.#hasRoom()) {
      const outcome = this.#wire.next();
      if (outcome === undefined) break;
      this.#take(outcome);
    }
    this.#pumping = false;
    if (this.#state !== 'open') return;
    if (this.#hasRoom()) this.#socket.resume();
    else this.#socket.pause();
  }

  #hasRoom(): boolean {
    return this.#bytesInFlight + this.#socket.writableLength < this.#mostBytes;
  }

  get #mostBytes(): number {
    return MOST_BYTES_IN_FLIGHT[this.#access?.kind ?? 'quorum'];
  }

  #take(outcome: ServerOutcome): void {
    switch (outcome.kind) {
      case 'send':
        return this.#send(outcome.bytes);
      case 'start-tls':
        return void this.#startTls(outcome.bytes);
      case 'export-wanted':
        return this.#host.exportWanted(this, outcome.name, outcome.intent);
      case 'request':
        this.#bytesInFlight += outcome.request.length + BYTES_PER_REQUEST;
        this.#requestsInFlight++;
        return this.#host.request(this, this.#access!, outcome.request);
      case 'leave':
        if (outcome.bytes.length > 0) this.#send(outcome.bytes);
        return this.leave(`the client left (${outcome.how})`);
      case 'broken':
        return this.end(`protocol error: ${outcome.why}`);
    }
  }

  #settled(request: ServerRequest): void {
    this.#bytesInFlight -= request.length + BYTES_PER_REQUEST;
    this.#requestsInFlight--;
  }

  #endWhenAnswered(): void {
    if (this.#state === 'leaving' && this.#requestsInFlight === 0) this.end(this.#leaveReason);
  }

  /** Answers of one turn of the event loop leave together. */
  #send(bytes: Uint8Array): void {
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      setImmediate(() => this.#flush());
    }
    this.#socket.write(bytes);
  }

  #flush(): void {
    if (!this.#corked) return;
    this.#corked = false;
    this.#host.beforeAnswers();
    this.#socket.uncork();
  }
}
