import assert from 'node:assert/strict';
import { LedgerLog, type LogEnd } from './ledger-log.ts';
import { RECORD_BYTES } from './log-format.ts';
import { ExportRefused } from './nbd-disk.ts';
import { append, ready, running, Storage } from './ledger-storage.fixture.ts';

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
