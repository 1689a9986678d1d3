import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { NBD_CMD, NBD_OPTS_MAGIC, NBD_SIZE } from '../../wire/nbd/constants.ts';
import { simpleReply, welcome } from '../../wire/nbd/server-bytes.fixture.ts';
import type { NbdAddress } from '../uri-nbd.ts';

/** One request as it reached the server; it is answered when the test says so, or never. */
export interface SeenRequest {
  connection: number;
  cookie: bigint;
  flags: number;
  type: number;
  offset: number;
  length: number;
  payload: Buffer;
  reply: (error?: number, payload?: Uint8Array) => void;
  /** The connection it came on. */
  socket: Socket;
}

/** What a server says when a connection comes in: the whole of its part of the negotiation, or anything else. */
type Opening = (socket: Socket) => void;

/**
 * An NBD server that does nothing by itself: tests take requests as they come and answer them in any order. It sends its
 * part of the negotiation at once, and does not look at the client's.
 */
export class ScriptedServer implements AsyncDisposable {
  /** Connections that were accepted, in order. */
  readonly connections: Socket[] = [];
  /** For connections from now on. */
  opening: Opening;
  readonly address: NbdAddress;
  readonly #server: Server;
  readonly #seen: SeenRequest[] = [];
  readonly #waiting: ((request: SeenRequest) => void)[] = [];

  static async listen(options: { opening?: Opening; socketPath?: string } = {}): Promise<ScriptedServer> {
    const server = createServer({ noDelay: true });
    server.listen(options.socketPath ?? { host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    return new ScriptedServer(server, options.opening ?? says(welcome(65536)));
  }

  private constructor(server: Server, opening: Opening) {
    const at = server.address() as AddressInfo | string;
    this.address = typeof at === 'string' ? { socketPath: at } : { host: at.address, port: at.port };
    this.opening = opening;
    this.#server = server.on('connection', (socket) => this.#accept(socket));
  }

  /** The next request that nobody took yet. */
  request(): Promise<SeenRequest> {
    const seen = this.#seen.shift();
    return seen === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(seen);
  }

  /** Requests that came and that nobody took. */
  get untaken(): number {
    return this.#seen.length;
  }

  /** Ends every connection and accepts no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.connections) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const connection = this.connections.push(socket) - 1;
    let input: Buffer = Buffer.alloc(0);
    let skip: number = NBD_SIZE.clientFlags;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      input = Buffer.concat([input, chunk]);
      const skipped = Math.min(skip, input.length);
      input = input.subarray(skipped);
      skip -= skipped;
      for (let next = cut(input); next !== undefined; next = cut(input)) {
        input = input.subarray(next.bytes);
        if (next.request !== undefined) this.#see({ ...next.request, connection, socket });
      }
    });
    this.opening(socket);
  }

  #see(seen: Omit<SeenRequest, 'reply'>): void {
    const reply = (error = 0, payload?: Uint8Array): void => {
      seen.socket.write(simpleReply(seen.cookie, error, payload));
    };
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#seen.push({ ...seen, reply });
    else waiting({ ...seen, reply });
  }
}

/** An opening that sends these bytes. */
export function says(...bytes: readonly Uint8Array[]): Opening {
  return (socket) => {
    for (const part of bytes) socket.write(part);
  };
}

/** The next whole message, an option or a request; options are passed over. */
function cut(
  input: Buffer,
): { bytes: number; request?: Omit<SeenRequest, 'reply' | 'connection' | 'socket'> } | undefined {
  if (input.length < NBD_SIZE.optionHeader) return undefined;
  if (input.readBigUInt64BE(0) === NBD_OPTS_MAGIC) {
    const bytes = NBD_SIZE.optionHeader + input.readUInt32BE(12);
    return input.length < bytes ? undefined : { bytes };
  }
  if (input.length < NBD_SIZE.request) return undefined;
  const type = input.readUInt16BE(6);
  const length = input.readUInt32BE(24);
  const bytes = NBD_SIZE.request + (type === NBD_CMD.WRITE ? length : 0);
  if (input.length < bytes) return undefined;
  return {
    bytes,
    request: {
      flags: input.readUInt16BE(4),
      type,
      cookie: input.readBigUInt64BE(8),
      offset: Number(input.readBigUInt64BE(16)),
      length,
      payload: Buffer.from(input.subarray(NBD_SIZE.request, bytes)),
    },
  };
}
