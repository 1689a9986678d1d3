import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { NBD_CMD } from '../wire/nbd/constants.ts';
import { request } from '../wire/nbd/server/client-bytes.fixture.ts';
import { dataName, owned, StorageDir, TestGate } from './gate.fixture.ts';
import type { GrantStore } from './grant-store.ts';
import { StuckDisk } from './stuck-disk.fixture.ts';

const block = (fill: number): Buffer => Buffer.alloc(512, fill);

/** A gate whose data disk can be made slow, owned by node a with epoch 5. */
async function slowGate(dir: StorageDir): Promise<{ gate: TestGate; disk: StuckDisk }> {
  let disk: StuckDisk | undefined;
  const gate = await TestGate.start(dir, { throughDisk: (file) => (disk = new StuckDisk(file)) });
  await gate.own(owned('a', 5));
  return { gate, disk: disk! };
}

describe('the gate: a former owner is ended', () => {
  it('the newcomer is let in only when every write of the former owner is through', async () => {
    using dir = new StorageDir();
    const { gate, disk } = await slowGate(dir);
    await using _ = gate;
    const former = await gate.into(dataName('a', 5));
    disk.stick = true;
    void former.write(0, block(1));
    void former.write(512, block(2));
    await disk.stuck(2);

    await gate.own(owned('b', 7));
    await former.closed;
    const newcomer = await gate.connect();
    const answered = newcomer.go(dataName('b', 7));
    let letIn = false;
    void answered.then(() => (letIn = true));
    // A whole conversation on another connection: time enough for the gate to let the newcomer in by mistake.
    assert.match(await gate.refusal(dataName('a', 5)), /last granted epoch 7$/);
    disk.letOne();
    assert.match(await gate.refusal(dataName('a', 5)), /last granted epoch 7$/);
    assert.equal(letIn, false);
    assert.deepEqual(gate.audit.all('drained').length, 1, 'the drain for epoch 5 alone');

    disk.letAll();
    assert.ok('sizeBytes' in ((await answered) as object));
    assert.deepEqual((await newcomer.read(0, 1024)).data, Buffer.concat([block(1), block(2)]));
    const { connectionsEnded, writesAwaited } = await gate.audit.line('drained', ({ epoch }) => epoch === 7);
    assert.deepEqual({ connectionsEnded, writesAwaited }, { connectionsEnded: 1, writesAwaited: 2 });
    const order = gate.audit.lines
      .filter((line) => line.event === 'write' || 'epoch' in line)
      .map((line) => `${line.event} ${(line as { epoch: number }).epoch}`);
    const last = (text: string): number => order.lastIndexOf(text);
    assert.ok(last('grant 7') < last('write 5') && last('write 5') < last('drained 7'));
    assert.ok(last('drained 7') < last('admitted 7'));
  });

  it('a request that came in only in part is never carried out', async () => {
    using dir = new StorageDir();
    const { gate } = await slowGate(dir);
    await using _ = gate;
    const former = await gate.into(dataName('a', 5));
    const whole = request({ command: NBD_CMD.WRITE, offset: 0, payload: block(9) });
    former.send(whole.subarray(0, 300));
    await gate.own(owned('b', 7));
    await gate.audit.line('drained', ({ epoch }) => epoch === 7);
    former.send(whole.subarray(300));
    await former.closed;
    await gate.into(dataName('b', 7));
    assert.ok(readFileSync(dir.data).subarray(0, 512).equals(block(0)));
  });

  it('one that came back under its old name is refused, and can go on with another', async () => {
    using dir = new StorageDir();
    const { gate } = await slowGate(dir);
    await using _ = gate;
    await gate.own(owned('b', 7));
    const former = await gate.connect();
    assert.match(JSON.stringify(await former.go(dataName('a', 5))), /refused/);
    assert.ok('sizeBytes' in ((await former.go('quorum')) as object));
  });

  it('a takeover during a takeover: the overtaken one is never let in', async () => {
    using dir = new StorageDir();
    const { gate, disk } = await slowGate(dir);
    await using _ = gate;
    const former = await gate.into(dataName('a', 5));
    disk.stick = true;
    void former.write(0, block(1));
    await disk.stuck(1);
    await gate.own(owned('b', 7));
    const overtaken = await gate.connect();
    const toldB = overtaken.go(dataName('b', 7));
    await gate.own(owned('c', 9));
    const winner = await gate.connect();
    const toldC = winner.go(dataName('c', 9));
    disk.letAll();
    assert.ok('sizeBytes' in ((await toldC) as object));
    assert.match(JSON.stringify(await toldB), /epoch 7 is over\): last granted epoch 9/);
    assert.deepEqual(
      gate.audit.all('admitted').map(({ epoch }) => epoch),
      [5, 9],
    );
  });

  it('a client that goes away while it waits is forgotten', async () => {
    using dir = new StorageDir();
    const { gate, disk } = await slowGate(dir);
    await using _ = gate;
    const former = await gate.into(dataName('a', 5));
    disk.stick = true;
    void former.write(0, block(1));
    await disk.stuck(1);
    await gate.own(owned('b', 7));
    const impatient = await gate.connect();
    const told = impatient.go(dataName('b', 7));
    await gate.refusal('nobody');
    impatient.destroy();
    assert.equal(await told, 'no answer');
    disk.letAll();
    await gate.into(dataName('b', 7));
    assert.equal(gate.audit.all('admitted').length, 2);
  });
});

describe('the gate: a grant is durable before it has any effect', () => {
  /** A store that keeps what it is told only when it is let. */
  class SlowStore implements GrantStore {
    readonly path = 'nowhere';
    saves: { done: (error?: Error) => void }[] = [];
    arrived: () => void = () => undefined;
    load(): Promise<null> {
      return Promise.resolve(null);
    }
    save(): Promise<void> {
      return new Promise((resolve, reject) => {
        this.saves.push({ done: (error) => (error === undefined ? resolve() : reject(error)) });
        this.arrived();
      });
    }
    next(): Promise<void> {
      return new Promise((resolve) => (this.arrived = resolve));
    }
  }

  it('until then the former owner writes on, and the newcomer waits', async () => {
    using dir = new StorageDir();
    const store = new SlowStore();
    await using gate = await TestGate.start(dir, { store });
    let saving = store.next();
    await gate.own(owned('a', 5));
    await saving;
    store.saves[0]!.done();
    const former = await gate.into(dataName('a', 5));
    saving = store.next();
    await gate.own(owned('b', 7));
    await saving;
    const newcomer = await gate.connect();
    const told = newcomer.go(dataName('b', 7));
    assert.equal((await former.write(0, block(1))).outcome, 'ok');
    assert.equal(gate.audit.all('grant').length, 1);
    store.saves[1]!.done();
    await former.closed;
    assert.ok('sizeBytes' in ((await told) as object));
  });

  it('when it cannot be kept nothing is granted, people are told, and the next heartbeat tries again', async () => {
    using dir = new StorageDir();
    const store = new SlowStore();
    await using gate = await TestGate.start(dir, { store });
    let saving = store.next();
    await gate.own(owned('a', 5));
    await saving;
    const told = (await gate.connect()).go(dataName('a', 5));
    store.saves[0]!.done(new Error('ENOSPC: no space left on device'));
    assert.match(
      JSON.stringify(await told),
      /nobody has been granted the data area yet\): last granted epoch 0/,
    );
    assert.deepEqual(gate.troubles, [
      'storage: epoch 5 is not granted, for nowhere cannot be written (ENOSPC: no space left on device): nobody but the owner ' +
        'of epoch 0 is let into the data area; make it writable, and the next heartbeat tries again',
    ]);
    saving = store.next();
    await gate.own(owned('a', 5, 'a', 2));
    await saving;
    store.saves[1]!.done();
    await gate.into(dataName('a', 5));
  });
});
