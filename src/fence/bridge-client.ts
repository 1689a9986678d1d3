import type { Socket } from 'node:net';
import { OutcomeUnknown, RequestFailed } from '../ports/block-device.ts';
import { NBD_ERROR } from '../wire/nbd/constants.ts';
import type { ServerOutcome, ServerRequest } from '../wire/nbd/server/outcome.ts';
import { NbdServerWire } from '../wire/nbd/server/server.ts';
import { readReply, simpleReply } from '../wire/nbd/server/simple-reply.ts';
import { servedExport } from './bridge-export.ts';
import type { BridgedUnit } from './bridged-unit.ts';

/** What all clients of a bridge share. */
export interface BridgeHost {
  readonly exportName: string;
  readonly unit: BridgedUnit;
  /** How much is under way for all of them; without room nothing more is read from any. */
  hasRoom(): boolean;
  began(bytes: number): void;
  settled(bytes: number): void;
  ended(client: BridgeClient): void;
}

/** What a request costs beside its payload, so that there is a bound for many empty ones too. */
const BYTES_PER_REQUEST = 256;
/** Answers that a client does not take are a reason not to read its next request. */
const MOST_UNTAKEN_BYTES = 8 * 1024 * 1024;
/** How long a client that was shut out may take to fetch its last answers, and they to come. */
const LINGER_MS = 1000;

/** One client of the bridge: NBD from its socket, commands to the unit. */
export class BridgeClient {
  readonly #socket: Socket;
  readonly #host: BridgeHost;
  readonly #wire: NbdServerWire;
  #state: 'open' | 'leaving' | 'ended' = 'open';
  #requestsInFlight = 0;
  #corked = false;
  #pumping = false;

  constructor(socket: Socket, host: BridgeHost) {
    this.#socket = socket;
    this.#host = host;
    this.#wire = new NbdServerWire([host.exportName]);
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('drain', () => this.pump());
    socket.on('end', () => this.#leave());
    socket.on('error', () => this.#end());
    socket.on('close', () => this.#end());
    this.#send(this.#wire.greeting());
  }

  /** Access is over: what is not under way yet is refused, what is gets the answer it gets, and that was it. */
  shutOut(): void {
    if (this.#state === 'ended') return;
    for (const request of this.#untaken()) this.#send(simpleReply(request.cookie, NBD_ERROR.ESHUTDOWN));
    this.#leave();
    setTimeout(() => this.#end(), LINGER_MS).unref();
  }

  /** Takes up what came in, as far as there is room for it; without room the socket is not read. */
  pump(): void {
    // A request that is answered at once comes back here from within: the loop further out goes on with it.
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

  #received(chunk: Buffer): void {
    if (this.#state !== 'open') return;
    this.#wire.receive(chunk);
    this.pump();
  }

  /** For requests, that is: whoever comes is let in or turned away, however much the others have under way. */
  #hasRoom(): boolean {
    if (this.#wire.status !== 'serving') return true;
    return this.#host.hasRoom() && this.#socket.writableLength < MOST_UNTAKEN_BYTES;
  }

  #take(outcome: ServerOutcome): void {
    switch (outcome.kind) {
      case 'send':
        return this.#send(outcome.bytes);
      case 'export-wanted':
        return this.#admit(outcome.name);
      case 'request':
        return void this.#carryOut(outcome.request);
      case 'leave':
        if (outcome.bytes.length > 0) this.#send(outcome.bytes);
        return this.#leave();
      default:
        return this.#end();
    }
  }

  #admit(name: string): void {
    const { exportName, unit } = this.#host;
    if (name === exportName) return this.#send(this.#wire.admit(servedExport(exportName, unit)));
    const refusal = this.#wire.refuse(`the data area is served as '${exportName}', and as nothing else`);
    if (refusal === null) this.#end();
    else this.#send(refusal);
  }

  async #carryOut(request: ServerRequest): Promise<void> {
    const bytes = request.length + BYTES_PER_REQUEST;
    this.#requestsInFlight += 1;
    this.#host.began(bytes);
    const reply = await this.#replyTo(request);
    this.#requestsInFlight -= 1;
    // Of an unknown outcome nothing can be said, and NBD has no other way to say that than to hang up.
    if (reply === undefined) this.#leave();
    else if (this.#state !== 'ended') this.#send(reply);
    this.#endWhenAnswered();
    this.#host.settled(bytes);
  }

  async #replyTo(request: ServerRequest): Promise<Uint8Array | undefined> {
    try {
      return await carriedOut(this.#host.unit, request);
    } catch (error) {
      if (error instanceof OutcomeUnknown) return undefined;
      return simpleReply(request.cookie, NBD_ERROR[errorNameOf(error)]);
    }
  }

  *#untaken(): Generator<ServerRequest> {
    if (this.#state !== 'open') return;
    for (let outcome = this.#wire.next(); outcome !== undefined; outcome = this.#wire.next()) {
      if (outcome.kind === 'request') yield outcome.request;
    }
  }

  /** Takes no further request; ends when those under way are answered. */
  #leave(): void {
    if (this.#state === 'open') this.#state = 'leaving';
    this.#endWhenAnswered();
  }

  #endWhenAnswered(): void {
    if (this.#state === 'leaving' && this.#requestsInFlight === 0) this.#end();
  }

  #end(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#flush();
    this.#socket.pause();
    this.#socket.destroySoon();
    const linger = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once('close', () => clearTimeout(linger));
    this.#host.ended(this);
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
    this.#socket.uncork();
  }
}

async function carriedOut(unit: BridgedUnit, request: ServerRequest): Promise<Uint8Array> {
  const { op, offset, length, payload, fua, cookie } = request;
  // A client that did not ask for the block size may not know it ("Size constraints"); a unit takes whole blocks.
  if (offset % unit.blockBytes !== 0 || length % unit.blockBytes !== 0) {
    return simpleReply(cookie, NBD_ERROR.EINVAL);
  }
  if (op === 'read') {
    const { reply, data } = readReply(cookie, length);
    await unit.read(offset, data);
    return reply;
  }
  if (op === 'write') await unit.write(offset, payload, fua);
  else await unit.flush();
  return simpleReply(cookie, 0);
}

/** ESHUTDOWN obliges a client to leave ("Error values"); everything that says access is over comes to that. */
function errorNameOf(error: unknown): 'ESHUTDOWN' | 'EIO' | 'EPERM' | 'ENOSPC' {
  const code = error instanceof RequestFailed ? error.code : '';
  if (code === 'RESERVATION CONFLICT' || code === 'ENOTCONN' || code.startsWith('UNIT ATTENTION'))
    return 'ESHUTDOWN';
  if (code.startsWith('DATA PROTECT')) return code === 'DATA PROTECT 27/07' ? 'ENOSPC' : 'EPERM';
  return 'EIO';
}
