import { type BlockDevice, OutcomeUnknown, RequestFailed } from '../../ports/block-device.ts';
import { NBD_LIMIT } from '../../wire/nbd/constants.ts';
import type { ExportInfo } from '../../wire/nbd/export-info.ts';
import { type Command, describeCommand } from '../../wire/nbd/request.ts';
import { rangeProblem } from '../range.ts';
import type { NbdAddress } from '../uri.ts';
import { NbdConnection } from './connection.ts';
import { Reconnector } from './reconnect.ts';

/**
 * An export of an NBD server as a block device. A lost connection is made anew by the next request, within that
 * request's deadline; no request is ever issued twice. A request that found no connection was never sent: it fails with
 * `RequestFailed` code ENOTCONN, a write too, and has no effect.
 */
export class NbdBlockDevice implements BlockDevice {
  readonly name: string;
  readonly #connections: Reconnector;

  /** Connects within `deadlineMs`. Rejects as `NbdConnection.open` does. */
  static async open(address: NbdAddress, exportName: string, deadlineMs: number): Promise<NbdBlockDevice> {
    return new NbdBlockDevice(await NbdConnection.open({ address, exportName, deadlineMs }));
  }

  private constructor(connection: NbdConnection) {
    this.name = connection.target.name;
    this.#connections = new Reconnector(connection);
  }

  /** As the server said when it was last connected to; so are the properties below. */
  get sizeBytes(): number {
    return this.#info.sizeBytes;
  }

  /** The export's minimum block size, but 512 at least: no disk writes less as a whole. */
  get sectorBytes(): number {
    return Math.max(512, this.#info.blockSizes.minimumBytes);
  }

  get readOnly(): boolean {
    return this.#info.readOnly;
  }

  /**
   * How writes are made durable: `fua` by forced unit access, `flush` by a flush after each. `none`: the export offers
   * neither, and a write fails with ENOTSUP without being sent.
   */
  get durability(): 'fua' | 'flush' | 'none' {
    return durabilityOf(this.#info);
  }

  async read(offsetBytes: number, lengthBytes: number, deadlineMs: number): Promise<Uint8Array> {
    const untilMs = performance.now() + deadlineMs;
    const command: Command = { kind: 'read', offsetBytes, lengthBytes };
    const connection = await this.#connectionFor(command, untilMs);
    this.#requireWithin(connection.info, command, offsetBytes, lengthBytes);
    return this.#issue(connection, command, untilMs);
  }

  async writeDurably(offsetBytes: number, bytes: Uint8Array, deadlineMs: number): Promise<void> {
    const untilMs = performance.now() + deadlineMs;
    const write: Command = { kind: 'write', offsetBytes, bytes, fua: true };
    const connection = await this.#connectionFor(write, untilMs);
    if (connection.info.readOnly) throw this.#notSent(write, 'the export is read-only', 'EPERM');
    this.#requireWithin(connection.info, write, offsetBytes, bytes.length);
    switch (durabilityOf(connection.info)) {
      case 'fua':
        await this.#issue(connection, write, untilMs);
        return;
      case 'flush':
        await this.#issue(connection, { ...write, fua: false }, untilMs);
        await this.#flushAfter(write, connection, untilMs);
        return;
      default:
        throw this.#notSent(write, 'the export offers neither forced unit access nor flush', 'ENOTSUP');
    }
  }

  /** Requests in flight are settled first, each by its deadline. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#connections.close();
  }

  get #info(): ExportInfo {
    return this.#connections.latest.info;
  }

  async #connectionFor(command: Command, untilMs: number): Promise<NbdConnection> {
    try {
      return await this.#connections.connected(untilMs);
    } catch (cause) {
      const text = `${(cause as Error).message}; ${describeCommand(command)} was not sent`;
      throw new RequestFailed(text, 'ENOTCONN', { cause });
    }
  }

  async #issue(connection: NbdConnection, command: Command, untilMs: number): Promise<Uint8Array> {
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) throw this.#notSent(command, 'its deadline passed', 'ETIMEDOUT');
    if (!connection.usable) throw this.#notSent(command, 'the connection was lost', 'ENOTCONN');
    return connection.request(command, leftMs);
  }

  /** On the same connection: only there does a flush certainly cover the write, which is done whatever this comes to. */
  async #flushAfter(write: Command, connection: NbdConnection, untilMs: number): Promise<void> {
    try {
      await this.#issue(connection, { kind: 'flush' }, untilMs);
    } catch (cause) {
      const text = `${this.name}: ${describeCommand(write)} was answered, but not the flush after it`;
      throw new OutcomeUnknown(text, { cause });
    }
  }

  /** The export may have shrunk since its size was looked at: a fault of the storage, not of this program. */
  #requireWithin(info: ExportInfo, command: Command, offsetBytes: number, lengthBytes: number): void {
    const { minimumBytes: alignmentBytes, maximumPayloadBytes } = info.blockSizes;
    const maximumBytes = Math.min(maximumPayloadBytes, NBD_LIMIT.payloadBytes);
    const extent = { sizeBytes: info.sizeBytes, alignmentBytes, maximumBytes };
    const problem = rangeProblem(extent, offsetBytes, lengthBytes);
    if (problem !== undefined) throw this.#notSent(command, problem, 'EINVAL');
  }

  #notSent(command: Command, why: string, code: string): RequestFailed {
    return new RequestFailed(`${this.name}: ${describeCommand(command)} was not sent: ${why}`, code);
  }
}

function durabilityOf(info: ExportInfo): 'fua' | 'flush' | 'none' {
  if (info.canFua) return 'fua';
  return info.canFlush ? 'flush' : 'none';
}
