import { once } from 'node:events';
import { createConnection, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { NBD_CMD, NBD_CMD_FLAG, NBD_OPT, nbdErrorName } from '../wire/nbd/constants.ts';
import { clientFlags, go, option, request } from '../wire/nbd/server/client-bytes.fixture.ts';

export interface Answer {
  /** `ok`, an error's name, or `no answer` when the connection ended first. */
  outcome: string;
  data: Buffer;
}

/** A client that sends what it is told and understands simple replies; for the gate's tests, independent of the real one. */
export class RawClient {
  #socket: Socket;
  /** Resolves when the connection is over. */
  readonly closed: Promise<void>;
  readonly #open = new Map<bigint, { length: number; resolve: (answer: Answer) => void }>();
  #lastCookie = 0n;
  #input = Buffer.alloc(0);
  #more: (() => void)[] = [];
  #serving = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => undefined).on('data', this.#received);
    // Not `once`, which rejects on 'error': a reset is an end like any other, and whoever waits must hear of it.
    this.closed = new Promise<void>((resolve) => socket.once('close', () => resolve())).then(() => {
      for (const { resolve } of this.#open.values()) resolve({ outcome: 'no answer', data: Buffer.alloc(0) });
      this.#open.clear();
      for (const wake of this.#more.splice(0)) wake();
    });
  }

  static async connect(to: NetConnectOpts): Promise<RawClient> {
    const socket = createConnection(to);
    const client = new RawClient(socket);
    await once(socket, 'connect');
    await client.#take(18);
    socket.write(clientFlags());
    return client;
  }

  /** NBD_OPT_STARTTLS and the handshake. */
  async secure(options: ConnectionOptions): Promise<TLSSocket> {
    this.#socket.write(option(NBD_OPT.STARTTLS));
    await this.acknowledged();
    this.#socket.off('data', this.#received);
    const socket = connectTls({ ...options, socket: this.#socket });
    this.#socket = socket.on('error', () => undefined).on('data', this.#received);
    await once(socket, 'secureConnect');
    return socket;
  }

  /** NBD_OPT_GO. Resolves with the size, with the text of the refusal, or with `no answer`. */
  async go(name: string): Promise<{ sizeBytes: number } | { refused: string } | 'no answer'> {
    this.#socket.write(go(name));
    let sizeBytes = -1;
    for (;;) {
      const head = await this.#take(20);
      const data = head === null ? null : await this.#take(head.readUInt32BE(16));
      if (head === null || data === null) return 'no answer';
      const type = head.readUInt32BE(12);
      if (head.readUInt32BE(8) !== NBD_OPT.GO) throw new Error('a reply to another option');
      if (type >= 0x80000000) return { refused: data.toString() };
      if (type === 3 && data.readUInt16BE(0) === 0) sizeBytes = Number(data.readBigUInt64BE(2));
      if (type !== 1) continue;
      this.#serving = true;
      this.#takeAnswers();
      return { sizeBytes };
    }
  }

  /** Connects and asks for one export; throws when it is refused. */
  static async into(to: NetConnectOpts, name: string): Promise<RawClient> {
    const client = await RawClient.connect(to);
    const answer = await client.go(name);
    if (answer === 'no answer' || 'refused' in answer) throw new Error(`${name}: ${JSON.stringify(answer)}`);
    return client;
  }

  write(offset: number, payload: Uint8Array, { fua = false } = {}): Promise<Answer> {
    return this.#ask(NBD_CMD.WRITE, offset, payload.length, fua ? NBD_CMD_FLAG.FUA : 0, payload);
  }

  read(offset: number, length: number): Promise<Answer> {
    return this.#ask(NBD_CMD.READ, offset, length, 0);
  }

  flush(): Promise<Answer> {
    return this.#ask(NBD_CMD.FLUSH, 0, 0, 0);
  }

  /** Any request, sensible or not. Resolves with the answer. */
  request(asked: {
    command: number;
    offset?: number | bigint;
    length?: number;
    flags?: number;
    payload?: Uint8Array;
  }): Promise<Answer> {
    const { command, offset = 0, payload, length = payload?.length ?? 0, flags = 0 } = asked;
    return this.#ask(command, offset, length, flags, payload);
  }

  /** Bytes as they are. */
  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Takes the reply to an option without data. Resolves when it is an acknowledgement. */
  async acknowledged(): Promise<void> {
    const head = await this.#take(20);
    if (head?.readUInt32BE(12) !== 1) throw new Error(`no acknowledgement: ${head?.toString('hex')}`);
  }

  /** Stops taking anything from the socket, as a process that does not run does. */
  freeze(): void {
    this.#socket.pause();
  }

  thaw(): void {
    this.#socket.resume();
  }

  /** A request of which only the head and the first bytes of the payload are sent. */
  disconnect(): void {
    this.#socket.write(request({ command: NBD_CMD.DISC }));
  }

  /** Sends nothing more, and still takes answers. */
  end(): void {
    this.#socket.allowHalfOpen = true;
    this.#socket.end();
  }

  /** Ends the connection without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  readonly #received = (chunk: Buffer): void => {
    this.#input = Buffer.concat([this.#input, chunk]);
    if (this.#serving) this.#takeAnswers();
    for (const wake of this.#more.splice(0)) wake();
  };

  #ask(
    command: number,
    offset: number | bigint,
    length: number,
    flags: number,
    payload?: Uint8Array,
  ): Promise<Answer> {
    const cookie = ++this.#lastCookie;
    return new Promise((resolve) => {
      if (this.#socket.destroyed) return resolve({ outcome: 'no answer', data: Buffer.alloc(0) });
      this.#open.set(cookie, { length: command === NBD_CMD.READ ? length : 0, resolve });
      this.#socket.write(
        request({ command, offset, length, flags, cookie, ...(payload === undefined ? {} : { payload }) }),
      );
    });
  }

  #takeAnswers(): void {
    while (this.#input.length >= 16) {
      const error = this.#input.readUInt32BE(4);
      const cookie = this.#input.readBigUInt64BE(8);
      const asked = this.#open.get(cookie);
      if (this.#input.readUInt32BE(0) !== 0x67446698 || asked === undefined)
        throw new Error('no simple reply');
      const length = error === 0 ? asked.length : 0;
      if (this.#input.length < 16 + length) return;
      const data = this.#input.subarray(16, 16 + length);
      this.#input = this.#input.subarray(16 + length);
      this.#open.delete(cookie);
      asked.resolve({ outcome: error === 0 ? 'ok' : nbdErrorName(error), data });
    }
  }

  async #take(length: number): Promise<Buffer | null> {
    while (this.#input.length < length) {
      if (this.#socket.destroyed) return null;
      await new Promise<void>((resolve) => this.#more.push(resolve));
    }
    const taken = this.#input.subarray(0, length);
    this.#input = this.#input.subarray(length);
    return taken;
  }
}
