import assert from 'node:assert/strict';
import { NBD_CMD } from '../wire/nbd/constants.ts';
import { request } from '../wire/nbd/server/client-bytes.fixture.ts';
import { dataName, owned, StorageDir, TestGate } from './gate.fixture.ts';
import { GateProcess } from './gate-process.fixture.ts';
import { RawClient } from './raw-client.fixture.ts';
import { StuckDisk } from './stuck-disk.fixture.ts';

const MIB = 1024 * 1024;
const patience = { negotiateMs: 100, moveMs: 100 };

async function reasonFor(gate: TestGate, pattern: RegExp): Promise<string> {
  return (await gate.audit.line('disconnected', ({ reason }) => pattern.test(reason))).reason;
}

describe('the gate: a client that keeps it waiting', () => {
  it('for an export to be asked for is ended, whatever else it says meanwhile', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { patience });
    const silent = await gate.connect();
    const undecided = await gate.connect();
    while ((await undecided.go('nobody')) !== 'no answer');
    await silent.closed;
    const reason = 'the client asked for no export that it could have within 100 ms';
    assert.equal(gate.audit.all('disconnected').filter((line) => line.reason === reason).length, 2);
  });

  it('for the rest of a request is ended: half a head, half a payload, and half of a payload that nobody wants', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { patience });
    const idle = await gate.into('quorum');
    const write = request({ command: NBD_CMD.WRITE, offset: 4096, payload: Buffer.alloc(512, 9) });
    const beyond = request({ command: NBD_CMD.WRITE, offset: MIB, payload: Buffer.alloc(512) });
    const slow = [write.subarray(0, 10), write.subarray(0, 300), beyond.subarray(0, 300)].map(
      async (part) => {
        const client = await gate.into('quorum');
        client.send(part);
        await client.closed;
      },
    );
    await Promise.all(slow);
    const reasons = gate.audit.all('disconnected').map(({ reason }) => reason);
    assert.deepEqual(reasons, Array(3).fill('the client sent half a request, then nothing for 100 ms'));
    // Older than they were, and as still; but nothing was awaited of it.
    assert.equal((await idle.read(4096, 512)).data[0], 0);
  });

  it('to take its answers is ended, and what it asked for holds nobody up meanwhile', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { fencing: false, patience });
    const other = await gate.into('quorum');
    for (const [name, bytes] of [
      ['data@a.0', MIB],
      ['quorum', 65536],
    ] as const) {
      const frozen = await gate.into(name);
      frozen.freeze();
      const told = Promise.all(Array.from({ length: 150 }, () => frozen.read(0, bytes)));
      while (gate.audit.all('disconnected').every((line) => line.export !== name))
        assert.equal((await other.read(0, 512)).outcome, 'ok');
      assert.equal(await reasonFor(gate, /took no answer/), 'the client took no answer for 100 ms');
      frozen.destroy();
      await told;
    }
  });

  it('is not ended for what the gate takes its time for: to decide, or to carry out', async () => {
    using dir = new StorageDir();
    let disk: StuckDisk | undefined;
    await using gate = await TestGate.start(dir, {
      patience,
      throughDisk: (file) => (disk = new StuckDisk(file)),
    });
    await gate.own(owned('a', 5));
    const former = await gate.into(dataName('a', 5));
    disk!.stick = true;
    void former.write(0, Buffer.alloc(512));
    await disk!.stuck(1);
    await gate.own(owned('b', 7));
    const newcomer = await gate.connect();
    const told = newcomer.go(dataName('b', 7));
    const patient = await gate.into('quorum');
    // Two that came later and are ended for waiting: their time, and so the newcomer's, is over twice.
    for (let i = 0; i < 2; i++) await (await gate.connect()).closed;
    disk!.letAll();
    assert.ok('sizeBytes' in ((await told) as object));
    assert.equal((await patient.read(0, 512)).outcome, 'ok');
  });
});

describe('the gate: thousands of connections', () => {
  it('2,000 that are held open, half of them in the middle of something, do not keep the record from being written and read', async function () {
    this.timeout(60_000);
    using dir = new StorageDir();
    await using gate = GateProcess.over(dir);
    const to = await gate.to();
    const half = request({ command: NBD_CMD.WRITE, payload: Buffer.alloc(4096) }).subarray(0, 1000);
    const held: RawClient[] = [];
    while (held.length < 2000) {
      const batch = Array.from({ length: 50 }, () => RawClient.into(to, 'quorum'));
      held.push(...(await Promise.all(batch)));
    }
    for (const [i, client] of held.entries()) if (i % 2 === 0) client.send(half);
    const agent = await RawClient.into(to, 'quorum');
    for (let i = 0; i < 100; i++) {
      assert.equal((await agent.write(8192, Buffer.alloc(512, i), { fua: true })).outcome, 'ok');
      assert.equal((await agent.read(8192, 512)).data[0], i);
    }
    const last = held.at(-1)!;
    assert.equal((await last.read(8192, 512)).data[0], 99);
    for (const client of held) client.destroy();
  });
});
