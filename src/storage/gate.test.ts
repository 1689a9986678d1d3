import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { DATA_BYTES, dataName, headerSector, owned, QUORUM_BYTES, recordSector } from './gate.fixture.ts';
import { StorageDir, TestGate } from './gate.fixture.ts';

const block = (fill: number, length = 512): Buffer => Buffer.alloc(length, fill);

describe('the gate: quorum area', () => {
  it('everybody may read and write it, and all connections see the same', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    const [one, other] = [await gate.into('quorum'), await gate.into('quorum')];
    assert.equal((await one.write(1024, block(7), { fua: true })).outcome, 'ok');
    assert.deepEqual((await other.read(1024, 512)).data, block(7));
    assert.equal((await other.flush()).outcome, 'ok');
    assert.deepEqual(readFileSync(dir.quorum).subarray(1024, 1536), block(7));
  });

  it('has the size of its file', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    assert.deepEqual(await (await gate.connect()).go('quorum'), { sizeBytes: QUORUM_BYTES });
  });

  it('every write is audited once, with the record where it covers it', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    const client = await gate.into('quorum');
    await client.write(512, recordSector(owned('a', 3, 'a', 17)));
    await client.write(1024, block(1));
    await client.write(QUORUM_BYTES, block(1));
    const told = gate.audit
      .all('quorum-write')
      .map(({ connection, peer, offset, length, outcome, record }) => {
        return { connection, peer, offset, length, outcome, record };
      });
    const common = { connection: 1, peer: '127.0.0.1', length: 512, outcome: 'ok' };
    assert.deepEqual(told, [
      { ...common, offset: 512, record: { status: 1, node: 'a', epoch: 3, count: 17 } },
      { ...common, offset: 1024, record: null },
    ]);
  });
});

describe('the gate: who is let into the data area', () => {
  it('exactly the owner in the record: node, epoch and incarnation', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    await gate.own(owned('a', 5));
    assert.deepEqual(await (await gate.connect()).go(dataName('a', 5)), { sizeBytes: DATA_BYTES });
    for (const [name, why] of [
      [dataName('a', 5, 'b'), 'epoch 5 is granted to another incarnation of a'],
      [dataName('b', 5), 'epoch 5 is granted to a'],
      [dataName('a', 4), 'epoch 4 is over'],
      [dataName('a', 6), 'the quorum record does not show an owner of epoch 6'],
      ['data@a.5', 'epoch 5 is granted to another incarnation of a'],
      ['data', 'no export of that name'],
      ['', 'no export of that name'],
    ]) {
      assert.equal(await gate.refusal(name!), `${name} refused (${why}): last granted epoch 5`);
    }
    const refused = gate.audit.all('refused').map(({ export: name, node, epoch, lastGranted }) => {
      return [name, node, epoch, lastGranted];
    });
    assert.deepEqual(refused[0], [dataName('a', 5, 'b'), 'a', 5, 5]);
    assert.deepEqual(refused.at(-1), ['', null, null, 5]);
  });

  it('nobody while there is no owner: a claim, a release and a damaged record grant nothing', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    const client = await gate.into('quorum');
    const claim = { ...owned('a', 5), status: 0 } as const;
    const damaged = recordSector(owned('a', 5)).with(100, 1);
    const foreign = recordSector(owned('a', 5), 512, 'f0'.repeat(16));
    for (const sector of [recordSector(claim), recordSector({ ...claim, node: '' }), damaged, foreign]) {
      await client.write(512, sector, { fua: true });
      const why = 'nobody has been granted the data area yet';
      assert.equal(
        await gate.refusal(dataName('a', 5)),
        `${dataName('a', 5)} refused (${why}): last granted epoch 0`,
      );
    }
    assert.deepEqual(gate.audit.all('grant'), []);
  });

  it('an owner finds its grant as soon as its record is acknowledged', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    for (let epoch = 1; epoch <= 20; epoch++) {
      const client = await gate.into('quorum');
      await client.write(512, recordSector(owned('a', epoch)), { fua: true });
      await gate.into(dataName('a', epoch));
    }
  });

  it('a claim that turned into ownership takes the data area from the former owner', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    await gate.own(owned('a', 5));
    const former = await gate.into(dataName('a', 5));
    assert.equal((await former.write(0, block(1))).outcome, 'ok');
    await gate.own(owned('b', 7));
    await former.closed;
    assert.equal((await former.write(0, block(2))).outcome, 'no answer');
    const owner = await gate.into(dataName('b', 7));
    assert.deepEqual((await owner.read(0, 512)).data, block(1));
    assert.equal(
      await gate.refusal(dataName('a', 5)),
      `${dataName('a', 5)} refused (epoch 5 is over): last granted epoch 7`,
    );
  });

  it('lower and equal epochs in the record bring nobody back', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    await gate.own(owned('b', 7));
    const owner = await gate.into(dataName('b', 7));
    await gate.own(owned('a', 5));
    await gate.own(owned('c', 7));
    await gate.own(owned('b', 7, 'd'));
    for (const name of [dataName('a', 5), dataName('c', 7), dataName('b', 7, 'd')]) {
      assert.match(await gate.refusal(name), /: last granted epoch 7$/);
    }
    assert.equal((await owner.write(0, block(1))).outcome, 'ok');
    assert.equal(gate.audit.all('grant').length, 1);
  });

  it('sectors of 4096 bytes are found by the header', async () => {
    using dir = new StorageDir(4096);
    await using gate = await TestGate.start(dir);
    await gate.own(owned('a', 5), 4096);
    await gate.into(dataName('a', 5));
  });

  it('an unformatted area is served and grants nothing; formatting it is noticed', async () => {
    using dir = new StorageDir(null);
    await using gate = await TestGate.start(dir);
    const client = await gate.into('quorum');
    await client.write(4096, recordSector(owned('a', 5), 4096));
    assert.match(await gate.refusal(dataName('a', 5)), /nobody has been granted/);
    await client.write(0, headerSector(4096));
    await gate.into(dataName('a', 5));
  });

  it('without fencing every well-formed name is let in, and nobody is ended', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { fencing: false });
    const literal = await gate.into('data@a.0');
    await gate.own(owned('b', 7));
    const other = await gate.into(dataName('b', 7));
    assert.equal((await literal.write(0, block(1))).outcome, 'ok');
    assert.equal((await other.write(512, block(1))).outcome, 'ok');
    assert.match(await gate.refusal('data@A.0'), /^data@A\.0 refused \('A' is not a node name\)/);
    const writers = gate.audit.all('write').map(({ node, epoch, incarnation }) => [node, epoch, incarnation]);
    assert.deepEqual(writers, [
      ['a', 0, ''],
      ['b', 7, 'aaaaaaaa'],
    ]);
    assert.deepEqual(gate.audit.all('grant'), []);
  });
});

describe('the gate: writes to the data area', () => {
  it('are audited once each, at their completion, in the order in which things happened', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    await gate.own(owned('a', 5));
    const client = await gate.into(dataName('a', 5));
    await client.write(4096, block(3, 1024), { fua: true });
    assert.deepEqual(
      gate.audit.events.filter((event) => event !== 'disconnected'),
      ['gate-started', 'connected', 'quorum-write', 'grant', 'drained', 'admitted', 'connected', 'write'],
    );
    const [write] = gate.audit.all('write');
    const { n, t, beganAt, ...rest } = write!;
    assert.ok(beganAt <= t);
    assert.equal(gate.audit.lines[n - 1], write);
    assert.deepEqual(rest, {
      ...{
        v: 1,
        event: 'write',
        connection: 2,
        peer: '127.0.0.1',
        export: dataName('a', 5),
        node: 'a',
        epoch: 5,
      },
      ...{ incarnation: 'aaaaaaaa', offset: 4096, length: 1024, outcome: 'ok', fua: true },
    });
    const times = gate.audit.lines.map((line) => line.t);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  });

  it('many at a time on one connection are all carried out', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    await gate.own(owned('a', 5));
    const client = await gate.into(dataName('a', 5));
    const writes = Array.from({ length: 200 }, (_, i) =>
      client.write(i * 512, block(i % 251), { fua: i % 20 === 0 }),
    );
    const outcomes = await Promise.all(writes);
    assert.ok(outcomes.every(({ outcome }) => outcome === 'ok'));
    const disk = readFileSync(dir.data);
    for (let i = 0; i < 200; i++) assert.equal(disk[i * 512 + 511], i % 251);
    assert.equal(gate.audit.all('write').length, 200);
  });

  it('a file that was cut short fails the request, not the connection', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    await gate.own(owned('a', 5));
    const client = await gate.into(dataName('a', 5));
    writeFileSync(dir.data, Buffer.alloc(512));
    assert.equal((await client.read(0, 1024)).outcome, 'EIO');
    assert.equal((await client.read(0, 512)).outcome, 'ok');
  });
});

describe('the gate: after a restart', () => {
  it('the last grant is in force again, and the record decides about anything higher', async () => {
    using dir = new StorageDir();
    {
      await using gate = await TestGate.start(dir);
      await gate.own(owned('a', 5));
      await gate.into(dataName('a', 5));
    }
    {
      await using gate = await TestGate.start(dir);
      assert.deepEqual(gate.audit.all('gate-started')[0]?.granted, {
        node: 'a',
        epoch: 5,
        incarnation: 'aaaaaaaa',
      });
      await gate.into(dataName('a', 5));
      assert.deepEqual(gate.audit.all('grant'), []);
    }
    writeFileSync(
      dir.quorum,
      Buffer.concat([headerSector(), recordSector(owned('b', 7)), Buffer.alloc(4096)]),
    );
    {
      await using gate = await TestGate.start(dir);
      await gate.into(dataName('b', 7));
      assert.match(await gate.refusal(dataName('a', 5)), /last granted epoch 7$/);
    }
  });

  it('a record that went back does not take the grant back', async () => {
    using dir = new StorageDir();
    {
      await using gate = await TestGate.start(dir);
      await gate.own(owned('b', 7));
    }
    writeFileSync(
      dir.quorum,
      Buffer.concat([headerSector(), recordSector(owned('a', 5)), Buffer.alloc(4096)]),
    );
    await using gate = await TestGate.start(dir);
    assert.match(await gate.refusal(dataName('a', 5)), /epoch 5 is over\): last granted epoch 7$/);
    await gate.into(dataName('b', 7));
  });
});
