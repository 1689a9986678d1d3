import { type BlockDevice, OutcomeUnknown, RequestFailed } from '../../ports/block-device.ts';
import { NBD_LIMIT } from '../../wire/nbd/constants.ts';
import type { ExportInfo } from '../../wire/nbd/export-info.ts';
import { type Command, describeCommand } from '../../wire/nbd/request.ts';
import type { NbdAddress } from '../uri-nbd.ts';
import { Backlog } from '../backlog.ts';
import { commandProblem, payloadBytesOf } from './command-problem.ts';
import { NbdConnection } from './connection.ts';
import { Reconnector } from '../reconnect.ts';

type DurableWrite = Command & { kind: 'write' | 'write-zeroes' };

/**
 * An export of an NBD server as a block device. A lost connection is made anew by the next request, within that
 * request's deadline; no request is ever issued twice. A request that found no connection was never sent: it fails with
 * `RequestFailed` code ENOTCONN, a write too, and has no effect. So does one too many, with code EBUSY.
 */
export class NbdBlockDevice implements BlockDevice {
  readonly name: string;
  readonly #connections: Reconnector<NbdConnection>;
  readonly #backlog = new Backlog();

  /** Connects within `deadlineMs`. Rejects as `NbdConnection.open` does. */
  static async open(address: NbdAddress, exportName: string, deadlineMs: number): Promise<NbdBlockDevice> {
    return new NbdBlockDevice(await NbdConnection.open({ address, exportName, deadlineMs }));
  }

  private constructor(connection: NbdConnection) {
    const { name, address, exportName } = connection.target;
    this.name = name;
    this.#connections = new Reconnector(connection, name, (deadlineMs) =>
      NbdConnection.open({ address, exportName, deadlineMs }),
    );
  }

  /** As the server said when it was last connected to; so are the properties below. */
  get info(): ExportInfo {
    return this.#connections.latest.info;
  }

  get sizeBytes(): number {
    return this.info.sizeBytes;
  }

  /** The export's minimum block size, but 512 at least: no disk writes less as a whole. */
  get sectorBytes(): number {
    return Math.max(512, this.info.blockSizes.minimumBytes);
  }

  get readOnly(): boolean {
    return this.info.readOnly;
  }

  /**
   * How writes are made durable: `fua` by forced unit access, `flush` by a flush after each. `none`: the export offers
   * neither, and a write fails with ENOTSUP without being sent.
   */
  get durability(): 'fua' | 'flush' | 'none' {
    return durabilityOf(this.info);
  }

  read(offsetBytes: number, lengthBytes: number, deadlineMs: number): Promise<Uint8Array> {
    return this.#carryOut({ kind: 'read', offsetBytes, lengthBytes }, deadlineMs);
  }

  async writeDurably(offsetBytes: number, bytes: Uint8Array, deadlineMs: number): Promise<void> {
    await this.#carryOut({ kind: 'write', offsetBytes, bytes, fua: true }, deadlineMs);
  }

  /**
   * Zeroes without sending them, durable as `writeDurably`; up to 4 GiB in one request. `keepAllocated`: no hole is made,
   * so that later writes find their space. `onlyFast`: fails with ENOTSUP, and writes nothing, where it would take as long
   * as a write. ENOTSUP too, without being sent, where the export does not offer what is asked for.
   */
  async writeZeroesDurably(
    offsetBytes: number,
    lengthBytes: number,
    deadlineMs: number,
    { keepAllocated = false, onlyFast = false } = {},
  ): Promise<void> {
    const extent = { offsetBytes, lengthBytes };
    const flags = { fua: true, noHole: keepAllocated, fast: onlyFast };
    await this.#carryOut({ kind: 'write-zeroes', ...extent, ...flags }, deadlineMs);
  }

  /**
   * Tells the storage that these bytes are not needed any more; up to 4 GiB in one request. What they read as is unknown
   * from then on, until they are written again. An outcome that is not known may come true later, as that of a write.
   */
  async trim(offsetBytes: number, lengthBytes: number, deadlineMs: number): Promise<void> {
    await this.#carryOut({ kind: 'trim', offsetBytes, lengthBytes }, deadlineMs);
  }

  /** Requests in flight are settled first, each by its deadline. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#connections.close();
  }

  /** Where there is room for it, on a connection to an export that takes it. Nothing is awaited that is there already. */
  async #carryOut(command: Command, deadlineMs: number): Promise<Uint8Array> {
    const untilMs = performance.now() + deadlineMs;
    const payloadBytes = Math.min(payloadBytesOf(command), NBD_LIMIT.payloadBytes);
    const full = this.#backlog.problem(payloadBytes);
    if (full !== undefined) throw this.#notSent(command, full, 'EBUSY');
    this.#backlog.enter(payloadBytes);
    try {
      const connection = this.#connections.usable ?? (await this.#connectionFor(command, untilMs));
      const problem = commandProblem(connection.info, command);
      if (problem !== undefined) throw this.#notSent(command, problem.why, problem.code);
      const durable = command.kind === 'write' || command.kind === 'write-zeroes';
      if (durable && !connection.info.canFua) return await this.#writeAndFlush(command, connection, untilMs);
      return await this.#issue(connection, command, untilMs);
    } finally {
      this.#backlog.leave(payloadBytes);
    }
  }

  async #writeAndFlush(write: DurableWrite, connection: NbdConnection, untilMs: number): Promise<Uint8Array> {
    if (durabilityOf(connection.info) === 'none') {
      throw this.#notSent(write, 'the export offers neither forced unit access nor flush', 'ENOTSUP');
    }
    const nothing = await this.#issue(connection, { ...write, fua: false }, untilMs);
    await this.#flushAfter(write, connection, untilMs);
    return nothing;
  }

  async #connectionFor(command: Command, untilMs: number): Promise<NbdConnection> {
    try {
      return await this.#connections.connected(untilMs);
    } catch (cause) {
      const text = `${(cause as Error).message}; ${describeCommand(command)} was not sent`;
      throw new RequestFailed(text, 'ENOTCONN', { cause, effect: 'none' });
    }
  }

  /** Throws when nothing was sent. */
  #issue(connection: NbdConnection, command: Command, untilMs: number): Promise<Uint8Array> {
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) throw this.#notSent(command, 'its deadline passed', 'ETIMEDOUT');
    if (!connection.usable) throw this.#notSent(command, 'the connection was lost', 'ENOTCONN');
    return connection.request(command, leftMs);
  }

  /** On the same connection: only there does a flush certainly cover the write, which is done whatever this comes to. */
  async #flushAfter(write: DurableWrite, connection: NbdConnection, untilMs: number): Promise<void> {
    try {
      await this.#issue(connection, { kind: 'flush' }, untilMs);
    } catch (cause) {
      const text = `${this.name}: ${describeCommand(write)} was answered, but not the flush after it`;
      throw new OutcomeUnknown(text, { cause });
    }
  }

  #notSent(command: Command, why: string, code: string): RequestFailed {
    return new RequestFailed(`${this.name}: ${describeCommand(command)} was not sent: ${why}`, code, {
      effect: 'none',
    });
  }
}

function durabilityOf(info: ExportInfo): 'fua' | 'flush' | 'none' {
  if (info.canFua) return 'fua';
  return info.canFlush ? 'flush' : 'none';
}
