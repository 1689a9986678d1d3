import assert from 'node:assert/strict';
import { LedgerLog, type LogDisk, type LogEnd } from './ledger-log.ts';
import { encodeRecord, type LogRecord, RECORD_BYTES, scanLog } from './log-format.ts';
import { ConnectionLost, ExportRefused } from './nbd-disk.ts';

/** A storage node in memory: connections to it can be cut, and writes held so that they land late or never. */
class Storage {
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
async function running(storage: Storage): Promise<{ log: LedgerLog; ended: Promise<LogEnd | undefined> }> {
  const log = new LedgerLog({ node: 'server-1', epoch: 5, connect: storage.connect, retryMs: 1 });
  const ended = log.run();
  await ready(log, ended);
  return { log, ended };
}

async function ready(log: LedgerLog, ended: Promise<unknown>): Promise<void> {
  let over = false;
  void ended.then(() => (over = true));
  while (!log.ready) {
    if (over) throw new Error('the log ended');
    await new Promise(setImmediate);
  }
}

const append = (seq: number, epoch: number, id: string): LogRecord => ({
  kind: 'append',
  id,
  epoch,
  node: 'server-2',
  seq,
});

describe('the ledger', () => {
  it('begins with an open record under its epoch and appends in order', async () => {
    const storage = new Storage();
    const { log, ended } = await running(storage);
    assert.deepEqual(await Promise.all(['a', 'b', 'c'].map((id) => log.append(id))), [
      { outcome: 'ok', seq: 1 },
      { outcome: 'ok', seq: 2 },
      { outcome: 'ok', seq: 3 },
    ]);
    assert.deepEqual(storage.log, ['open /5', 'append a/5', 'append b/5', 'append c/5']);
    log.stop();
    assert.equal(await ended, undefined);
  });

  it('goes on behind what a former owner left', async () => {
    const storage = new Storage().put(append(0, 1, 'x'), append(1, 4, 'y'));
    const { log } = await running(storage);
    assert.deepEqual(await log.append('z'), { outcome: 'ok', seq: 3 });
    log.stop();
  });

  it('answers an id that it has with its sequence number and does not append it again', async () => {
    const storage = new Storage().put(append(0, 1, 'x'));
    const { log } = await running(storage);
    assert.deepEqual(await log.append('x'), { outcome: 'ok', seq: 0 });
    await log.append('y');
    assert.deepEqual(await log.append('y'), { outcome: 'ok', seq: 2 });
    assert.deepEqual(storage.log, ['append x/1', 'open /5', 'append y/5']);
    log.stop();
  });

  it('appends an id once that is asked for again while its write is under way', async () => {
    const storage = new Storage();
    const { log } = await running(storage);
    storage.holding = true;
    const both = [log.append('a'), log.append('a')];
    await storage.aHeldWrite;
    storage.held[0]!();
    assert.deepEqual(await Promise.all(both), [
      { outcome: 'ok', seq: 1 },
      { outcome: 'ok', seq: 1 },
    ]);
    assert.equal(storage.held.length, 1);
    log.stop();
  });

  it('has one write outstanding at a time', async () => {
    const storage = new Storage();
    const { log } = await running(storage);
    storage.holding = true;
    const first = log.append('a');
    const second = log.append('b');
    await storage.aHeldWrite;
    await new Promise(setImmediate);
    assert.equal(storage.held.length, 1);
    storage.holding = false;
    storage.held[0]!();
    assert.deepEqual(
      [await first, await second],
      [
        { outcome: 'ok', seq: 1 },
        { outcome: 'ok', seq: 2 },
      ],
    );
    log.stop();
  });

  it('tells what was in flight unknown and what waited not done, when the connection is lost', async () => {
    const storage = new Storage();
    const { log } = await running(storage);
    storage.holding = true;
    const sent = log.append('sent');
    const waiting = log.append('waiting');
    await storage.aHeldWrite;
    storage.cut();
    assert.deepEqual([await sent, await waiting], [{ outcome: 'unknown' }, { outcome: 'not-ready' }]);
    log.stop();
  });

  it('finds a record that landed without an answer, and goes on behind it', async () => {
    const storage = new Storage();
    const { log, ended } = await running(storage);
    storage.holding = true;
    const sent = log.append('sent');
    await storage.aHeldWrite;
    storage.cut();
    storage.holding = false;
    assert.deepEqual(await sent, { outcome: 'unknown' });
    storage.held[0]!();
    await ready(log, ended);
    assert.deepEqual(await log.append('sent'), { outcome: 'ok', seq: 1 });
    assert.deepEqual(storage.log, ['open /5', 'append sent/5', 'open /5']);
    log.stop();
  });

  it('writes a record that did not land again, so that it does no harm if it lands late', async () => {
    const storage = new Storage();
    const { log, ended } = await running(storage);
    storage.holding = true;
    const sent = log.append('sent');
    await storage.aHeldWrite;
    storage.holding = false;
    storage.cut();
    assert.deepEqual(await sent, { outcome: 'unknown' });
    await ready(log, ended);
    assert.deepEqual(await log.append('sent'), { outcome: 'ok', seq: 1 });
    assert.deepEqual(await log.append('next'), { outcome: 'ok', seq: 3 });
    storage.held[0]!();
    assert.deepEqual(storage.log, ['open /5', 'append sent/5', 'open /5', 'append next/5']);
    log.stop();
  });

  it('connects again when the connection is lost while nothing happens', async () => {
    const storage = new Storage();
    const { log, ended } = await running(storage);
    storage.cut();
    while (storage.connections < 2) await new Promise(setImmediate);
    await ready(log, ended);
    assert.deepEqual(await log.append('a'), { outcome: 'ok', seq: 2 });
    log.stop();
  });

  it('writes beats by itself, at most one at a time', async () => {
    const storage = new Storage();
    const { log } = await running(storage);
    log.beat();
    log.beat();
    assert.deepEqual(await log.append('a'), { outcome: 'ok', seq: 2 });
    assert.deepEqual(storage.log, ['open /5', 'beat /5', 'append a/5']);
    log.stop();
  });

  it('says that it is full, and keeps what it has', async () => {
    const storage = new Storage(2);
    const { log } = await running(storage);
    assert.deepEqual(await log.append('a'), { outcome: 'ok', seq: 1 });
    log.beat();
    assert.deepEqual(await log.append('b'), { outcome: 'full' });
    assert.deepEqual(await log.append('a'), { outcome: 'ok', seq: 1 });
    log.stop();
  });

  it('takes no append before it has recovered or after it was stopped', async () => {
    const log = new LedgerLog({ node: 'server-1', epoch: 5, connect: new Storage().connect, retryMs: 1 });
    assert.deepEqual(await log.append('a'), { outcome: 'not-ready' });
    const { log: stopped, ended } = await running(new Storage());
    stopped.stop();
    assert.deepEqual(await stopped.append('a'), { outcome: 'not-ready' });
    await ended;
  });
});

describe('the ledger ends by itself', () => {
  const ends = async (storage: Storage): Promise<LogEnd | undefined> =>
    new LedgerLog({ node: 'server-1', epoch: 5, connect: storage.connect, retryMs: 1 }).run();

  it('when the gate refuses it and has granted a newer epoch', async () => {
    const storage = new Storage();
    storage.refusal = new ExportRefused('refused', 7);
    assert.deepEqual(await ends(storage), { exitCode: 4, text: 'fenced: last granted epoch 7' });
  });

  it('when it is refused without a word about epochs', async () => {
    const storage = new Storage();
    storage.refusal = new ExportRefused('nbd://h/data: NBD_REP_ERR_UNKNOWN', undefined);
    assert.deepEqual(await ends(storage), { exitCode: 4, text: 'fenced: nbd://h/data: NBD_REP_ERR_UNKNOWN' });
  });

  it('but not when the gate has granted nothing newer yet: it tries again', async () => {
    const storage = new Storage();
    storage.refusal = new ExportRefused('refused', 3);
    const log = new LedgerLog({ node: 'server-1', epoch: 5, connect: storage.connect, retryMs: 1 });
    const ended = log.run();
    await new Promise((resolve) => setTimeout(resolve, 10));
    storage.refusal = undefined;
    await ready(log, ended);
    log.stop();
    assert.equal(await ended, undefined);
  });

  it('when the log holds a record of a newer epoch', async () => {
    const end = await ends(new Storage().put(append(0, 8, 'x')));
    assert.deepEqual(end, {
      exitCode: 4,
      text: 'fenced: the log holds a record of epoch 8, and this is epoch 5',
    });
  });

  it('when somebody else wrote where its own record was on its way', async () => {
    const storage = new Storage();
    const { log, ended } = await running(storage);
    storage.holding = true;
    void log.append('mine');
    await storage.aHeldWrite;
    storage.put(append(1, 5, 'theirs'));
    storage.cut();
    assert.deepEqual(await ended, { exitCode: 4, text: 'fenced: somebody else wrote sector 1' });
  });

  it('when the storage lost what it had acknowledged', async () => {
    const storage = new Storage();
    const { log, ended } = await running(storage);
    await log.append('a');
    storage.image.fill(0, RECORD_BYTES);
    storage.cut();
    assert.deepEqual(await ended, {
      exitCode: 5,
      text: 'the storage lost acknowledged records: 2 were acknowledged, 1 are left',
    });
  });
});
