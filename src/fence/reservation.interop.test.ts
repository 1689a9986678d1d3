import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeldWrites } from '../block/iscsi/held-writes.fixture.ts';
import { needsTgt, Tgt } from '../block/iscsi/tgt.fixture.ts';
import { needs } from '../block/nbd/servers.fixture.ts';
import { NbdBlockDevice } from '../block/nbd/device.ts';
import { UnitAccess } from './reservation.ts';

const DEADLINE_MS = 5000;

interface Options {
  paths?: number;
  fencing?: 'reservation' | 'none';
  checkEveryMs?: number;
}

/** A server as far as the data area is concerned. */
class Server {
  readonly access: UnitAccess;
  readonly said: string[] = [];
  readonly #lost: { epoch: number; reason: string }[] = [];
  readonly #waiting: ((lost: { epoch: number; reason: string }) => void)[] = [];
  readonly #socketPath: string;
  readonly #node: string;

  constructor(tgt: Tgt, slot: number, folder: string, options: Options = {}) {
    const { paths = 1, fencing = 'reservation', checkEveryMs = 50 } = options;
    this.#node = `server-${slot}`;
    this.#socketPath = join(folder, `${this.#node}.sock`);
    const [first, ...others] = Array.from({ length: paths }, () => tgt.address(1));
    this.access = new UnitAccess({
      addresses: [first!, ...others],
      fencing,
      claimant: { node: this.#node, incarnation: `${slot}`.repeat(32), protocol: 'safe' },
      slot,
      slots: 3,
      socketPath: this.#socketPath,
      checkEveryMs,
      warn: (text) => void this.said.push(text),
    });
    this.access.onLost((epoch, reason) => {
      const lost = { epoch, reason };
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#lost.push(lost);
      else waiting(lost);
    });
  }

  get socketPath(): string {
    return this.#socketPath;
  }

  obtain(epoch: number) {
    return this.access.obtain(epoch, DEADLINE_MS);
  }

  /** Its service, as a client of the bridge. */
  service(epoch: number): Promise<NbdBlockDevice> {
    const name = `data@${this.#node}.${epoch}.${this.#node.at(-1)!.repeat(8)}`;
    return NbdBlockDevice.open({ socketPath: this.#socketPath }, name, DEADLINE_MS);
  }

  lost(): Promise<{ epoch: number; reason: string }> {
    const lost = this.#lost.shift();
    return lost === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(lost);
  }
}

const block = (text: string) => Buffer.alloc(512, text);

describe('a data area on tgt', () => {
  let tgt: Tgt;
  let folder: string;
  let servers: Server[];
  const server = (slot: number, options?: Options) => {
    const made = new Server(tgt, slot, folder, options);
    servers.push(made);
    return made;
  };

  before(async function () {
    await needsTgt(this);
  });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'arbiter-reservation-'));
    tgt = await Tgt.start();
    servers = [];
  });

  afterEach(async () => {
    for (const { access } of servers) await access.giveUp();
    await tgt[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  it('is taken, and served to the service at a socket of its own', async () => {
    const one = server(1);
    assert.deepEqual(await one.obtain(1), { kind: 'granted' });
    assert.equal(statSync(one.socketPath).mode & 0o777, 0o600);
    await using service = await one.service(1);
    assert.deepEqual([service.sizeBytes, service.sectorBytes], [1 << 20, 512]);
    await service.writeDurably(512, block('a'), DEADLINE_MS);
    assert.deepEqual(Buffer.from(await service.read(512, 512, DEADLINE_MS)), block('a'));
    assert.deepEqual(at(512), block('a'));
  });

  it('is taken over by a newer epoch; the former owner is told, and writes nothing any more', async () => {
    const [one, two] = [server(1), server(2)];
    await one.obtain(1);
    await using service = await one.service(1);
    await service.writeDurably(0, block('a'), DEADLINE_MS);
    assert.deepEqual(await two.obtain(2), { kind: 'granted' });
    const { epoch } = await one.lost();
    assert.equal(epoch, 1);
    await assert.rejects(service.writeDurably(0, block('b'), DEADLINE_MS));
    assert.deepEqual(at(0), block('a'));
    assert.equal(existsSync(one.socketPath), false, 'its bridge is gone');
  });

  it('answers a write of the former owner with a conflict, and it learns from that what happened', async () => {
    const [one, two] = [server(1, { checkEveryMs: 1e6 }), server(2)];
    await one.obtain(1);
    await using service = await one.service(1);
    await two.obtain(2);
    await assert.rejects(service.writeDurably(0, block('b'), DEADLINE_MS), { code: 'ESHUTDOWN' });
    assert.match((await one.lost()).reason, /RESERVATIONS? (PREEMPTED|CONFLICT)/i);
    assert.deepEqual(at(0), Buffer.alloc(512));
  });

  it('is refused to an older epoch, by name of the newer one', async () => {
    const [one, two] = [server(1), server(2)];
    await two.obtain(5);
    const outcome = await one.obtain(4);
    assert.deepEqual(outcome, {
      kind: 'refused',
      grantedEpoch: 5,
      reason: 'the unit was taken under epoch 5',
    });
    await using service = await two.service(5);
    await service.writeDurably(0, block('a'), DEADLINE_MS);
  });

  it('comes back to its owner after its session was lost, and goes to nobody older', async () => {
    const [one, two] = [server(1), server(2)];
    await one.obtain(1);
    await two.obtain(2);
    await one.lost();
    await tgt.dropSessions();
    await two.lost();
    assert.equal((await one.obtain(1)).kind, 'refused');
    assert.deepEqual(await two.obtain(2), { kind: 'granted' });
    await using service = await two.service(2);
    await service.writeDurably(0, block('b'), DEADLINE_MS);
    assert.deepEqual(at(0), block('b'));
  });

  it('comes back to its owner after the target was restarted and had forgotten who that was', async () => {
    const [one, two] = [server(1), server(2)];
    await two.obtain(2);
    await tgt.kill();
    await two.lost();
    await tgt.start();
    assert.deepEqual(await two.obtain(2), { kind: 'granted' });
    assert.equal((await one.obtain(1)).kind, 'refused');
  });

  it('lasts with one path of two until the other is back, and is lost with both', async () => {
    const one = server(1, { paths: 2 });
    await one.obtain(1);
    await using service = await one.service(1);
    await tgt.dropSessions(1);
    await service.writeDurably(0, block('a'), DEADLINE_MS);
    while (one.said.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.match(one.said[1]!, /^data: a path is back, 2 of 2/);
    await service.writeDurably(512, block('b'), DEADLINE_MS);
    await tgt.dropSessions();
    await one.lost();
    assert.deepEqual([at(0), at(512)], [block('a'), block('b')]);
  });

  it('is taken from every path of the former owner', async () => {
    const [one, two] = [server(1, { paths: 2 }), server(2, { paths: 2 })];
    await one.obtain(1);
    assert.deepEqual(await two.obtain(2), { kind: 'granted' });
    await one.lost();
  });

  it('lets everybody in where it is not fenced, in the same way', async () => {
    const [one, two] = [server(1, { fencing: 'none' }), server(2, { fencing: 'none' })];
    assert.deepEqual(await one.obtain(1), { kind: 'granted' });
    assert.deepEqual(await two.obtain(2), { kind: 'granted' });
    await using first = await one.service(1);
    await using second = await two.service(2);
    await first.writeDurably(0, block('a'), DEADLINE_MS);
    await second.writeDurably(512, block('b'), DEADLINE_MS);
    assert.deepEqual([at(0), at(512)], [block('a'), block('b')]);
  });

  it('waits for eight writes that the former owner has queued in the target, and none lands later', async function () {
    await needs(this, 'gcc', 'gcc');
    const held = await HeldWrites.make(folder);
    await tgt[Symbol.asyncDispose]();
    tgt = await Tgt.start({ env: held.env });
    const [one, two] = [server(1), server(2)];
    await one.obtain(1);
    const services = await Promise.all(Array.from({ length: 8 }, () => one.service(1)));
    await held.hold();
    const writes = services.map((service, n) => service.writeDurably(n * 512, block('a'), DEADLINE_MS));
    const written = Promise.allSettled(writes);
    await held.waiting(8);
    let isGranted = false;
    const taken = two.obtain(2).then((outcome) => {
      isGranted = true;
      return outcome;
    });
    await one.lost();
    assert.equal(isGranted, false, 'not before the queued writes are through');
    await held.letGo();
    assert.deepEqual(await taken, { kind: 'granted' });
    const before = readFileSync(tgt.image(1));
    await written;
    assert.deepEqual(readFileSync(tgt.image(1)), before, 'nothing landed afterwards');
    for (const service of services) await service[Symbol.asyncDispose]();
  });

  const at = (offset: number) => readFileSync(tgt.image(1)).subarray(offset, offset + 512);
});
