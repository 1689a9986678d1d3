import assert from 'node:assert/strict';
import { GrantedUnit } from './granted-unit.ts';
import { SpcUnit } from './model/spc-unit.fixture.ts';
import { answered, INFO, MemoryPath, unknown, unsent } from './unit-path.fixture.ts';

const bytes = Buffer.alloc(512);

describe('a unit that access was granted to', () => {
  let a: MemoryPath;
  let b: MemoryPath;
  let unit: GrantedUnit;
  let lost: string[];
  beforeEach(() => {
    const target = new SpcUnit({ hasAbort: false });
    [a, b] = ['a', 'b'].map((name) => new MemoryPath(target, name, { slot: 1, epoch: 1 })) as [
      MemoryPath,
      MemoryPath,
    ];
    a.nexus.attentions = b.nexus.attentions = [];
    lost = [];
    unit = new GrantedUnit([a, b], INFO, (reason) => lost.push(reason));
  });

  it('is reached by its first path as long as that works, then by the next', async () => {
    await unit.write(0, bytes, true);
    a.break();
    await unit.write(0, bytes, false);
    await unit.flush();
    assert.deepEqual([a.log, b.log, lost], [['write durably'], ['write', 'flush'], []]);
  });

  it('is lost with its last path, told once, and nothing is sent any more', async () => {
    a.break();
    b.break();
    b.break();
    assert.deepEqual(lost, ['b: broken by a test']);
    await assert.rejects(unit.write(0, bytes, true), { code: 'ENOTCONN', effect: 'none' });
    assert.deepEqual([a.log, b.log], [[], []]);
  });

  it('is lost with a write whose outcome nobody knows, which is not sent again', async () => {
    a.failures = [unknown()];
    await assert.rejects(unit.write(0, bytes, true), { name: 'OutcomeUnknown' });
    assert.deepEqual([lost, a.log, b.log], [['memory: no answer'], ['write durably'], []]);
  });

  it('takes a write that was never sent another way', async () => {
    a.failures = [unsent()];
    a.usable = true;
    const write = unit.write(0, bytes, true);
    a.usable = false;
    await write;
    assert.deepEqual([lost, b.log], [[], ['write durably']]);
  });

  it('asks another way for what a read was not answered', async () => {
    a.failures = [unknown()];
    const into = Buffer.alloc(512);
    await unit.read(0, into);
    assert.equal(into.toString('latin1', 0, 1), 'b');
    assert.deepEqual(lost, []);
  });

  for (const code of ['RESERVATION CONFLICT', 'UNIT ATTENTION 2A/03', 'UNIT ATTENTION 2A/05']) {
    it(`is lost, for reads too, with ${code}, which is final`, async () => {
      a.failures = [answered(code)];
      await assert.rejects(unit.read(0, new Uint8Array(512)), { code });
      assert.deepEqual([lost.length, a.log, b.log], [1, ['read'], []]);
    });
  }

  it('reads once more after being told something else, and never writes once more', async () => {
    const code = 'UNIT ATTENTION 29/00';
    a.failures = [answered(code)];
    b.failures = [answered(code)];
    await assert.rejects(unit.read(0, new Uint8Array(512)), { code }, 'told twice');
    a.failures = [];
    lost = [];
    unit = new GrantedUnit([a], INFO, (reason) => lost.push(reason));
    a.failures = [answered(code)];
    await unit.read(0, new Uint8Array(512));
    assert.deepEqual(lost, []);
    a.log.length = 0;
    a.failures = [answered(code)];
    await assert.rejects(unit.write(0, bytes, true), { code });
    assert.deepEqual([lost.length, a.log], [1, ['write durably']]);
  });

  const reset = 'UNIT ATTENTION 29/00';
  const told = async () => {
    a.failures = [answered(reset)];
    const into = new Uint8Array(512);
    await unit.read(0, into);
  };

  it('is lost when a read is told of a reset while a write was not flushed, and no flush says yes', async () => {
    await unit.write(0, bytes, false);
    await assert.rejects(told(), { code: reset });
    const reason = `memory: ${reset}, with writes that were not flushed: they may be lost`;
    assert.deepEqual(lost, [reason]);
    await assert.rejects(unit.flush(), { code: 'ENOTCONN', effect: 'none' });
  });

  it('outlives a reset when all that was written is on the medium', async () => {
    await told();
    await unit.write(0, bytes, true);
    await told();
    await unit.write(0, bytes, false);
    await unit.flush();
    await told();
    assert.deepEqual(lost, []);
    unit = new GrantedUnit([a], { ...INFO, durability: 'write-through' }, (reason) => lost.push(reason));
    await unit.write(0, bytes, false);
    await told();
    unit = new GrantedUnit([a], { ...INFO, durability: 'flush' }, (reason) => lost.push(reason));
    await unit.write(0, bytes, true);
    await told();
    assert.deepEqual(lost, []);
  });

  it('is lost by a reset after a flush that failed, or was sent before the write was answered', async () => {
    await unit.write(0, bytes, false);
    a.failures = [answered('MEDIUM ERROR 0C/00')];
    await assert.rejects(unit.flush());
    await assert.rejects(told(), { code: reset });
    unit = new GrantedUnit([a], INFO, (reason) => lost.push(reason));
    await Promise.all([unit.write(0, bytes, false), unit.flush()]);
    await assert.rejects(told(), { code: reset });
    assert.equal(lost.length, 2);
  });

  it('is lost by a reset between a durable write and the flush that makes it so', async () => {
    unit = new GrantedUnit([a], { ...INFO, durability: 'flush' }, (reason) => lost.push(reason));
    const flushed = Promise.withResolvers<void>();
    a.writeDurably = () => flushed.promise;
    const write = unit.write(0, bytes, true);
    await assert.rejects(told(), { code: reset });
    flushed.resolve();
    await write;
    assert.equal(lost.length, 1);
  });

  it('outlives a loss of its nexus, which takes nothing from the cache', async () => {
    await unit.write(0, bytes, false);
    a.failures = [answered('UNIT ATTENTION 29/07')];
    await unit.read(0, new Uint8Array(512));
    assert.deepEqual(lost, []);
  });

  it('outlives an error of the medium', async () => {
    a.failures = [answered('MEDIUM ERROR 03/00')];
    await assert.rejects(unit.write(0, bytes, true), { code: 'MEDIUM ERROR 03/00' });
    await unit.write(0, bytes, true);
    assert.deepEqual(lost, []);
  });
});
