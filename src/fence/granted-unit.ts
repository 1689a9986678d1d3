import type { UnitInfo } from '../block/iscsi/unit-info.ts';
import { OutcomeUnknown, RequestFailed } from '../ports/block-device.ts';
import type { BridgedUnit } from './bridged-unit.ts';
import { CachedWrites } from './cached-writes.ts';
import type { UnitPath } from './unit-path.ts';

/**
 * Patience with one command, as Linux has it with a disk (sd, 30 s): a target may have much to do. Whether this server may
 * still act is not for this to find out; the lease says so, and the reservation.
 */
const COMMAND_DEADLINE_MS = 30_000;

/**
 * The unit while access to it lasts, over whichever of its paths works. Losing one is not losing access, unless a write is
 * under way there: it may still land, behind a later one that went another way, and only the whole procedure (a new
 * session, and a reset) settles that. A write is never sent twice.
 */
export class GrantedUnit implements BridgedUnit {
  readonly readOnly: boolean;
  readonly blockBytes: number;
  readonly sizeBytes: number;
  readonly maximumBytes: number;
  readonly #paths: UnitPath[] = [];
  readonly #info: UnitInfo;
  readonly #onLost: (reason: string) => void;
  #lostBecause: string | undefined;
  readonly #cached = new CachedWrites();

  /** `onLost` is told once, of whatever ends access; what is asked for from then on fails with ENOTCONN. */
  constructor(paths: readonly UnitPath[], info: UnitInfo, onLost: (reason: string) => void) {
    this.#info = info;
    this.#onLost = onLost;
    this.readOnly = info.writeProtected;
    this.blockBytes = info.blockBytes;
    this.sizeBytes = info.blocks * info.blockBytes;
    this.maximumBytes = Math.floor(info.maximumTransferBlocks) * info.blockBytes;
    for (const path of paths) this.add(path);
  }

  /** One more path, which was seen to have access. */
  add(path: UnitPath): void {
    this.#paths.push(path);
    path.onClosed((reason) => {
      this.#paths.splice(this.#paths.indexOf(path), 1);
      if (this.paths.length === 0) this.lose(`${path.name}: ${reason}`);
    });
  }

  get lostBecause(): string | undefined {
    return this.#lostBecause;
  }

  /** Paths that work. */
  get paths(): readonly UnitPath[] {
    return this.#lostBecause !== undefined ? [] : this.#paths.filter(({ usable }) => usable);
  }

  async read(offsetBytes: number, into: Uint8Array): Promise<void> {
    const read = (path: UnitPath) =>
      path.read(this.#info, offsetBytes, into.length, COMMAND_DEADLINE_MS, into);
    await this.#carryOut(async (path) => {
      try {
        return await read(path);
      } catch (error) {
        this.told(error);
        // A read may be asked for once more: elsewhere, or after whatever the unit wanted to tell first.
        const [other = path] = this.paths.filter((each) => each !== path);
        if (this.#lostBecause !== undefined || endsAccess(error)) throw error;
        if (error instanceof OutcomeUnknown || isAttention(error)) return read(other);
        throw error;
      }
    });
  }

  write(offsetBytes: number, bytes: Uint8Array, durably: boolean): Promise<void> {
    const written = this.#carryOut((path) =>
      durably
        ? path.writeDurably(this.#info, offsetBytes, bytes, COMMAND_DEADLINE_MS)
        : path.write(this.#info, offsetBytes, bytes, COMMAND_DEADLINE_MS),
    );
    const { durability } = this.#info;
    if (durability === 'write-through' || (durably && durability === 'fua')) return written;
    return durably ? this.#cached.duringDurable(written) : this.#cached.during(written);
  }

  flush(): Promise<void> {
    return this.#cached.flushedBy(() => this.#carryOut((path) => path.flush(COMMAND_DEADLINE_MS)));
  }

  /**
   * What a unit had to tell instead of answering, to whoever may ask again. Access is lost by a reset while writes may have
   * been in its cache alone: they may be gone, and a later flush must not say that they are on the medium.
   */
  told(error: unknown): void {
    if (isReset(error) && this.#cached.any)
      this.lose(`${(error as Error).message}, with writes that were not flushed: they may be lost`);
  }

  /** Access is over, for that reason. */
  lose(reason: string): void {
    if (this.#lostBecause !== undefined) return;
    this.#lostBecause = reason;
    this.#onLost(reason);
  }

  /** On the first path that works; on the next one only what was never sent. */
  async #carryOut<T>(act: (path: UnitPath) => Promise<T>): Promise<T> {
    for (;;) {
      const [path] = this.paths;
      if (path === undefined) {
        const text = 'the data area: access was lost; nothing was sent';
        throw new RequestFailed(text, 'ENOTCONN', { effect: 'none' });
      }
      try {
        return await act(path);
      } catch (error) {
        const isUnsent = error instanceof RequestFailed && error.effect === 'none' && !path.usable;
        if (isUnsent && this.paths.length > 0) continue;
        if (endsAccess(error) || isAttention(error) || error instanceof OutcomeUnknown)
          this.lose((error as Error).message);
        throw error;
      }
    }
  }
}

/** RESERVATION CONFLICT is final; RESERVATIONS PREEMPTED and REGISTRATIONS PREEMPTED announce it. */
export function endsAccess(error: unknown): boolean {
  if (!(error instanceof RequestFailed)) return false;
  return error.code === 'RESERVATION CONFLICT' || /^UNIT ATTENTION 2A\/0[35]$/.test(error.code);
}

/** Power on, or a reset of any kind (SPC-4, table 56); the other 29/xx are about the nexus, not about the unit. */
function isReset(error: unknown): boolean {
  return error instanceof RequestFailed && /^UNIT ATTENTION 29\/0[0-4]$/.test(error.code);
}

export function isAttention(error: unknown): boolean {
  return error instanceof RequestFailed && error.code.startsWith('UNIT ATTENTION');
}
