import { LedgerLog, type LogDisk, type LogEnd } from './ledger-log.ts';
import { encodeRecord, type LogRecord, RECORD_BYTES, scanLog } from './log-format.ts';
import { ConnectionLost } from './nbd-disk.ts';

/** A storage node in memory: connections to it can be cut, and writes held so that they land late or never. */
export class Storage {
  image: Uint8Array;
  connections = 0;
  refusal: Error | undefined;
  /** Writes that came in while `holding`, in order; each lands when called. */
  readonly held: (() => void)[] = [];
  holding = false;
  #lose: (reason: string) => void = () => {};
  #heldOne = Promise.withResolvers<void>();

  constructor(sectors = 16) {
    this.image = new Uint8Array(sectors * RECORD_BYTES);
  }

  connect = async (): Promise<LogDisk> => {
    if (this.refusal !== undefined) throw this.refusal;
    this.connections += 1;
    const { promise: lost, resolve } = Promise.withResolvers<string>();
    this.#lose = resolve;
    const orLost = async <V>(done: Promise<V>): Promise<V> => {
      const cut = lost.then(() => Promise.reject(new ConnectionLost('cut')));
      return Promise.race([done, cut]);
    };
    return {
      sizeBytes: this.image.length,
      lost,
      read: async (offset, length) => this.image.slice(offset, offset + length),
      writeFua: (offset, bytes) => orLost(this.#write(offset, bytes)),
      close: () => {},
    };
  };

  /** Resolves when a write is being held. */
  get aHeldWrite(): Promise<void> {
    return this.#heldOne.promise;
  }

  cut(): void {
    this.#lose('cut');
  }

  put(...records: LogRecord[]): this {
    for (const record of records) this.image.set(encodeRecord(record), record.seq * RECORD_BYTES);
    return this;
  }

  /** The log on the disk, as `kind id/epoch`. */
  get log(): string[] {
    return scanLog(this.image).records.map(({ kind, id, epoch }) => `${kind} ${id}/${epoch}`);
  }

  async #write(offset: number, bytes: Uint8Array): Promise<void> {
    const copy = bytes.slice();
    const land = () => this.image.set(copy, offset);
    if (!this.holding) return land();
    await new Promise<void>((resolve) => {
      this.held.push(() => {
        land();
        resolve();
      });
      this.#heldOne.resolve();
    });
  }
}

/** A ledger of epoch 5 that runs over `storage`, ready. */
export async function running(
  storage: Storage,
): Promise<{ log: LedgerLog; ended: Promise<LogEnd | undefined> }> {
  const log = new LedgerLog({ node: 'server-1', epoch: 5, connect: storage.connect, retryMs: 1 });
  const ended = log.run();
  await ready(log, ended);
  return { log, ended };
}

export async function ready(log: LedgerLog, ended: Promise<unknown>): Promise<void> {
  let over = false;
  void ended.then(() => (over = true));
  while (!log.ready) {
    if (over) throw new Error('the log ended');
    await new Promise(setImmediate);
  }
}

export const append = (seq: number, epoch: number, id: string): LogRecord => ({
  kind: 'append',
  id,
  epoch,
  node: 'server-2',
  seq,
});
