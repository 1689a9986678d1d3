import assert from 'node:assert/strict';
import fs from 'node:fs';
import { NBD_CMD, NBD_OPT } from '../wire/nbd/constants.ts';
import { go, option, request } from '../wire/nbd/server/client-bytes.fixture.ts';
import { dataName, owned, StorageDir, TestGate } from './gate.fixture.ts';
import { inPlaceOf } from './in-place-of.fixture.ts';
import { StuckDisk } from './stuck-disk.fixture.ts';

const MIB = 1024 * 1024;

function inFlight(gate: TestGate, name: string): number | undefined {
  const status = gate.gate.status() as { connections: { export: string | null; requestsInFlight: number }[] };
  return status.connections.find((each) => each.export === name)?.requestsInFlight;
}

describe('the gate: a client that asks for more than there is room for', () => {
  it('is not read any further until something of it is done, and then gets all of it', async () => {
    using dir = new StorageDir();
    let disk: StuckDisk | undefined;
    await using gate = await TestGate.start(dir, { throughDisk: (file) => (disk = new StuckDisk(file)) });
    await gate.own(owned('a', 5));
    const client = await gate.into(dataName('a', 5));
    disk!.stick = true;
    const most = 64;
    const writes = Array.from({ length: most + 8 }, (_, i) => client.write(0, Buffer.alloc(MIB, i)));
    await disk!.stuck(most);
    // Others are served while this one waits, and in their time it would have been read on.
    for (let i = 0; i < 20; i++) await (await gate.into('quorum')).read(0, 512);
    assert.equal(inFlight(gate, dataName('a', 5)), most);
    disk!.letAll();
    for (const { outcome } of await Promise.all(writes)) assert.equal(outcome, 'ok');
  });

  it('reads of which nobody takes the answers stop it too', async () => {
    using dir = new StorageDir();
    let disk: StuckDisk | undefined;
    await using gate = await TestGate.start(dir, {
      fencing: false,
      throughDisk: (file) => (disk = new StuckDisk(file)),
    });
    const client = await gate.into('data@a.0');
    client.freeze();
    const reads = Array.from({ length: 150 }, () => client.read(0, MIB));
    const other = await gate.into('quorum');
    for (let i = 0; i < 50; i++) assert.equal((await other.read(0, 512)).outcome, 'ok');
    // 64 MiB are under way or wait to be sent; a few more are with the kernel.
    assert.ok(disk!.reads >= 64 && disk!.reads <= 100, `${disk!.reads} reads were carried out`);
    client.thaw();
    for (const { outcome } of await Promise.all(reads)) assert.equal(outcome, 'ok');
  });

  it('a data area that hangs does not keep the record from being read and written: not all threads are for it', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { backend: 'file' });
    await gate.own(owned('a', 5));
    const client = await gate.into(dataName('a', 5));
    const hanging: (() => void)[] = [];
    {
      // Writes of 1 MiB are the data area's; the kernel takes them and does not come back.
      using _ = inPlaceOf(fs, 'write', (real) => {
        const hang = (...args: unknown[]): void => {
          const carryOut = (): void => Reflect.apply(real, fs, args);
          if ((args[1] as Uint8Array).length === MIB) hanging.push(carryOut);
          else carryOut();
        };
        return hang as unknown as typeof real;
      });
      const told = Promise.all(Array.from({ length: 8 }, () => client.write(0, Buffer.alloc(MIB, 1))));
      for (let i = 2; i < 12; i++) await gate.own(owned('a', 5, 'a', i));
      assert.equal(hanging.length, 3, 'of the four threads that there are');
      let through = 0;
      for (; through < 8; await gate.own(owned('a', 5, 'a', 20 + through))) {
        const go = hanging.splice(0);
        assert.ok(go.length <= 3);
        through += go.length;
        for (const each of go) each();
      }
      for (const { outcome } of await told) assert.equal(outcome, 'ok');
    }
  });

  it('thousands of options in one piece are answered one after the other', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    const client = await gate.connect();
    const many = Array.from({ length: 5000 }, () => go('nobody'));
    client.send(Buffer.concat([...many, option(NBD_OPT.ABORT)]));
    await client.closed;
    assert.equal(gate.audit.all('refused').length, 5000);
  });

  it('requests before it was let in end the connection', async () => {
    using dir = new StorageDir();
    let disk: StuckDisk | undefined;
    await using gate = await TestGate.start(dir, { throughDisk: (file) => (disk = new StuckDisk(file)) });
    await gate.own(owned('a', 5));
    const former = await gate.into(dataName('a', 5));
    disk!.stick = true;
    void former.write(0, Buffer.alloc(512));
    await disk!.stuck(1);
    await gate.own(owned('b', 7));
    const rude = await gate.connect();
    rude.send(go(dataName('b', 7)));
    rude.send(request({ command: NBD_CMD.WRITE, payload: Buffer.alloc(MIB) }));
    await rude.closed;
    const { reason } = await gate.audit.line('disconnected', ({ reason }) =>
      reason.startsWith('the client sends'),
    );
    assert.equal(reason, 'the client sends requests before it was let in');
    disk!.letAll();
  });
});

describe('the gate: how a connection ends', () => {
  it('DISC: what is under way is answered first', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    const client = await gate.into('quorum');
    const told = client.write(4096, Buffer.alloc(512, 1), { fua: true });
    client.disconnect();
    assert.equal((await told).outcome, 'ok');
    await client.closed;
    const { reason } = await gate.audit.line('disconnected');
    assert.equal(reason, 'the client left (NBD_CMD_DISC)');
  });

  it('nonsense: at once, and the audit says why', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    const client = await gate.into('quorum');
    client.send(new Uint8Array(28));
    await client.closed;
    const { reason } = await gate.audit.line('disconnected');
    assert.equal(reason, 'protocol error: a request does not begin with its magic');
  });

  it('the gate stops: what is under way is finished and answered', async () => {
    using dir = new StorageDir();
    let disk: StuckDisk | undefined;
    await using gate = await TestGate.start(dir, {
      fencing: false,
      throughDisk: (file) => (disk = new StuckDisk(file)),
    });
    const client = await gate.into('data@a.0');
    disk!.stick = true;
    const told = client.write(0, Buffer.alloc(512, 1));
    await disk!.stuck(1);
    const stopped = gate.stop('SIGTERM');
    disk!.letAll();
    assert.equal((await told).outcome, 'ok');
    await stopped;
    assert.deepEqual(gate.audit.events.slice(-3), ['write', 'disconnected', 'gate-stopped']);
  });
});
