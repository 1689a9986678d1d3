import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { encodeRecord, type LogRecord, LogScan, RECORD_BYTES } from './log-format.ts';
import { ExportRefused } from './nbd-disk.ts';

/** What the log needs of a disk; see `NbdDisk`. */
export interface LogDisk {
  readonly sizeBytes: number;
  readonly lost: Promise<string>;
  read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array>;
  writeFua(offsetBytes: number, bytes: Uint8Array): Promise<void>;
  close(): void;
}

export interface LedgerLogOptions {
  node: string;
  epoch: number;
  /** One new connection under the same export name. Rejects with `ExportRefused`, or with anything else to try again. */
  connect(): Promise<LogDisk>;
  retryMs: number;
  /** Why the log is not ready, once for each new reason; for people. */
  tell?(trouble: string): void;
}

export type AppendOutcome =
  | { outcome: 'ok'; seq: number }
  /** Certainly not done. */
  | { outcome: 'not-ready' }
  | { outcome: 'full' }
  /** It was sent to the disk, and no answer came. */
  | { outcome: 'unknown' };

/** Why a log ended by itself. Exit code 4: another one owns the data area. 5: the storage lost what it acknowledged. */
export interface LogEnd {
  exitCode: 4 | 5;
  text: string;
}

interface Queued {
  kind: 'append' | 'beat';
  id: string;
  settle(outcome: AppendOutcome): void;
}

const SCAN_BYTES = 256 * 1024;

/**
 * The append log on the data area: one write outstanding at a time, forced to stable storage, and nothing is told done
 * before its answer came. On every new connection it scans the log anew; a record whose answer never came is then
 * either found, or written again: the same bytes to the same sector, so that it does no harm if the first write lands late.
 */
export class LedgerLog {
  readonly #options: LedgerLogOptions;
  readonly #seqOf = new Map<string, number>();
  readonly #queue: Queued[] = [];
  readonly #inQueue = new Map<string, Promise<AppendOutcome>>();
  #wake: () => void = () => {};
  #ready = false;
  #stopping = false;
  #next = 0;
  #capacity = 0;
  /** Sent to the disk, and not answered. */
  #uncertain: LogRecord | undefined;
  #trouble = '';

  constructor(options: LedgerLogOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Sequence number of the last record of the log, -1 for none. */
  get lastSeq(): number {
    return this.#next - 1;
  }

  /** Runs until `stop`, or until the log ends by itself. */
  async run(): Promise<LogEnd | undefined> {
    while (!this.#stopping) {
      const disk = await this.#connect();
      if (disk === undefined) continue;
      if ('exitCode' in disk) return disk;
      const end = await this.#use(disk);
      if (end !== undefined) return end;
      if (!this.#stopping) await delay(this.#options.retryMs);
    }
    return undefined;
  }

  /** An id that is in the log already is answered with its sequence number and not appended again. */
  async append(id: string): Promise<AppendOutcome> {
    if (!this.#ready || this.#stopping) return { outcome: 'not-ready' };
    const seq = this.#seqOf.get(id);
    if (seq !== undefined) return { outcome: 'ok', seq };
    const underWay = this.#inQueue.get(id);
    if (underWay !== undefined) return underWay;
    const outcome = new Promise<AppendOutcome>((settle) => this.#queue.push({ kind: 'append', id, settle }));
    this.#inQueue.set(id, outcome);
    this.#wake();
    return outcome;
  }

  /** Writes a record of its own, without anybody asking; at most one waits. */
  beat(): void {
    if (!this.#ready || this.#stopping || this.#queue.some((queued) => queued.kind === 'beat')) return;
    this.#queue.push({ kind: 'beat', id: '', settle: () => {} });
    this.#wake();
  }

  /** The write under way is finished, the rest is refused, and `run` returns. */
  stop(): void {
    this.#stopping = true;
    this.#wake();
  }

  async #connect(): Promise<LogDisk | LogEnd | undefined> {
    const { connect, epoch, retryMs } = this.#options;
    try {
      return await connect();
    } catch (error) {
      // A gate that granted nothing newer does not mean it: it is about to see the record.
      if (error instanceof ExportRefused && (error.grantedEpoch ?? Infinity) > epoch) {
        return fenced(
          error.grantedEpoch === undefined ? error.message : `last granted epoch ${error.grantedEpoch}`,
        );
      }
      this.#tell(error as Error);
      await delay(retryMs);
      return undefined;
    }
  }

  /** Recovers and serves until the connection is lost or the log is stopped. */
  async #use(disk: LogDisk): Promise<LogEnd | undefined> {
    let lost = false;
    void disk.lost.then(() => {
      lost = true;
      this.#wake();
    });
    try {
      const end = await this.#recover(disk);
      if (end !== undefined) return end;
      this.#ready = true;
      this.#trouble = '';
      while (!this.#stopping) {
        const queued = this.#queue.shift();
        if (queued !== undefined) await this.#carryOut(disk, queued);
        else if (lost) break;
        else await this.#idle(() => lost);
      }
    } catch (error) {
      this.#tell(error as Error);
      // Lost, or answered with an error: what became of the last write is found out on the next connection.
    } finally {
      this.#ready = false;
      for (const queued of this.#queue.splice(0)) this.#settle(queued, { outcome: 'not-ready' });
      disk.close();
    }
    return undefined;
  }

  async #recover(disk: LogDisk): Promise<LogEnd | undefined> {
    const { node, epoch } = this.#options;
    const records = await scan(disk);
    const last = records.at(-1);
    if (last !== undefined && last.epoch > epoch) {
      return fenced(`the log holds a record of epoch ${last.epoch}, and this is epoch ${epoch}`);
    }
    const acknowledged = this.#next;
    if (records.length < acknowledged) {
      return {
        exitCode: 5,
        text: `the storage lost acknowledged records: ${acknowledged} were acknowledged, ${records.length} are left`,
      };
    }
    const uncertain = this.#uncertain;
    const found = uncertain === undefined ? undefined : records[uncertain.seq];
    if (found !== undefined && !isDeepStrictEqual(found, uncertain)) {
      return fenced(`somebody else wrote sector ${found.seq}`);
    }
    this.#capacity = Math.floor(disk.sizeBytes / RECORD_BYTES);
    this.#next = records.length;
    this.#seqOf.clear();
    for (const record of records) this.#remember(record);
    if (uncertain !== undefined && found === undefined) await this.#write(disk, uncertain);
    this.#uncertain = undefined;
    if (this.#next < this.#capacity)
      await this.#write(disk, { kind: 'open', id: '', epoch, node, seq: this.#next });
    return undefined;
  }

  async #carryOut(disk: LogDisk, queued: Queued): Promise<void> {
    const { node, epoch } = this.#options;
    if (this.#next >= this.#capacity) {
      this.#settle(queued, { outcome: 'full' });
      return;
    }
    const { kind, id } = queued;
    const seq = this.#next;
    try {
      await this.#write(disk, { kind, id, epoch, node, seq });
    } catch (error) {
      this.#settle(queued, { outcome: 'unknown' });
      throw error;
    }
    this.#settle(queued, { outcome: 'ok', seq });
  }

  async #write(disk: LogDisk, record: LogRecord): Promise<void> {
    this.#uncertain = record;
    await disk.writeFua(record.seq * RECORD_BYTES, encodeRecord(record));
    this.#uncertain = undefined;
    this.#next = record.seq + 1;
    this.#remember(record);
  }

  #remember(record: LogRecord): void {
    if (record.kind === 'append') this.#seqOf.set(record.id, record.seq);
  }

  #tell({ message }: Error): void {
    if (message !== this.#trouble) this.#options.tell?.(message);
    this.#trouble = message;
  }

  #settle(queued: Queued, outcome: AppendOutcome): void {
    this.#inQueue.delete(queued.id);
    queued.settle(outcome);
  }

  /** Waits for something to do, unless there is. */
  async #idle(isLost: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (this.#queue.length > 0 || this.#stopping || isLost()) resolve();
    });
  }
}

async function scan(disk: LogDisk): Promise<LogRecord[]> {
  const log = new LogScan();
  const endBytes = disk.sizeBytes - (disk.sizeBytes % RECORD_BYTES);
  for (let offset = 0; offset < endBytes; offset += SCAN_BYTES) {
    if (!log.feed(await disk.read(offset, Math.min(SCAN_BYTES, endBytes - offset)))) break;
  }
  return log.records;
}

function fenced(why: string): LogEnd {
  return { exitCode: 4, text: `fenced: ${why}` };
}
