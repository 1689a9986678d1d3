import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from 'node:tls';
import { NBD_OPT, NBD_REP, NBD_SIZE } from '../../wire/nbd/constants.ts';
import {
  acknowledgement,
  bytesOf,
  greeting,
  infoExport,
  optionReply,
  structuredRefused,
} from '../../wire/nbd/server-bytes.fixture.ts';

/** What the server says to NBD_OPT_STARTTLS, and whatever it does afterwards in plain. */
export type OnStartTls = (socket: Socket) => void;

/** Acknowledges, then starts TLS as `options` say. */
export function startsTls(options: TlsOptions, secured: (socket: TLSSocket) => void = welcomes): OnStartTls {
  return (socket) => {
    const server = createTlsServer({ handshakeTimeout: 2000, ...options });
    server.on('secureConnection', (tls: TLSSocket) => secured(tls.on('error', () => undefined)));
    server.on('tlsClientError', () => socket.destroy());
    socket.pause().write(optionReply(NBD_REP.ACK, bytesOf(), NBD_OPT.STARTTLS), () => {
      server.emit('connection', socket);
    });
  };
}

/** Lets everybody in who asks for anything. */
export function welcomes(socket: TLSSocket): void {
  socket.once('data', () => socket.write(bytesOf(structuredRefused, infoExport(65536), acknowledgement)));
}

/** A server whose clients ask for TLS first; `answer` is what they get. */
export class TlsServer implements AsyncDisposable {
  answer: OnStartTls;
  readonly port: number;
  /** What clients said in plain, one entry a connection. */
  readonly plain: Buffer[] = [];
  readonly #server: Server;
  readonly #sockets: Socket[] = [];

  static async listen(answer: OnStartTls): Promise<TlsServer> {
    const server = createTcpServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TlsServer(server, answer);
  }

  private constructor(server: Server, answer: OnStartTls) {
    this.#server = server;
    this.answer = answer;
    this.port = (server.address() as { port: number }).port;
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** The connection that came in last, as it is below TLS. */
  get latest(): Socket {
    return this.#sockets.at(-1)!;
  }

  #accept(socket: Socket): void {
    this.#sockets.push(socket);
    const index = this.plain.push(Buffer.alloc(0)) - 1;
    socket.on('error', () => undefined).write(greeting());
    const onData = (chunk: Buffer): void => {
      this.plain[index] = Buffer.concat([this.plain[index]!, chunk]);
      if (this.plain[index].length < NBD_SIZE.clientFlags + NBD_SIZE.optionHeader) return;
      socket.off('data', onData);
      this.answer(socket);
    };
    socket.on('data', onData);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
