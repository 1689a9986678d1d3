import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { IscsiAddress } from '../block/uri-iscsi.ts';
import { DeviceUnusable, OutcomeUnknown, RequestFailed } from '../ports/block-device.ts';
import { clientFlags, exportName, write } from '../wire/nbd/server/client-bytes.fixture.ts';
import { SpcUnit } from './model/spc-unit.fixture.ts';
import { UnitAccess } from './reservation.ts';
import { MemoryPath } from './unit-path.fixture.ts';

const where = {
  port: 3260,
  target: 'iqn.2026-11.example:t',
  lun: 2,
  headerDigest: 'none',
  dataDigest: 'none',
} as const;
const at = (host: string): IscsiAddress => ({ ...where, host });
const claimant = { node: 'server-1', incarnation: '1'.repeat(32), protocol: 'safe' } as const;

describe('access to a unit by its reservation', () => {
  let folder: string;
  let socketPath: string;
  let target: SpcUnit;
  let paths: MemoryPath[];
  let access: UnitAccess;
  let lost: [number, string][];
  let said: string[];
  let heard = Promise.withResolvers<void>();
  /** What opening the path at a host waits for, or fails with. */
  let opening: Record<string, Promise<void>>;
  let identities: Record<string, string>;
  /** What a path at a host does otherwise. */
  let manners: Record<string, Partial<MemoryPath>>;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'arbiter-access-'));
    socketPath = join(folder, 'data.sock');
    target = new SpcUnit({ hasAbort: false });
    [paths, lost, said, opening, identities, manners] = [[], [], [], {}, {}, {}];
    access = over('a', 'b');
  });
  afterEach(async () => {
    await access.giveUp();
    rmSync(folder, { recursive: true });
  });

  function over(...hosts: readonly [string, ...string[]]): UnitAccess {
    const [first, ...others] = hosts.map(at);
    const made = new UnitAccess({
      addresses: [first!, ...others],
      fencing: 'reservation',
      claimant,
      slot: 1,
      slots: 3,
      socketPath,
      checkEveryMs: 20,
      warn: (text) => {
        said.push(text);
        heard.resolve();
        heard = Promise.withResolvers();
      },
      openPath: async ({ host }, { node, alias }) => {
        await opening[host];
        assert.deepEqual([node, alias.split('.')[0]], ['server-1', 'data@server-1']);
        const path = new MemoryPath(target, host, { slot: 1, epoch: 1 });
        path.identifies = identities[host] ?? 'one';
        Object.assign(path, manners[host]);
        paths.push(path);
        return path;
      },
    });
    made.onLost((epoch, reason) => lost.push([epoch, reason]));
    return made;
  }

  it('is granted with every path that can be opened, and served under the name of node and epoch', async () => {
    opening['a'] = Promise.reject(new RequestFailed('a: not connected', 'ENOTCONN'));
    assert.deepEqual(await access.obtain(7, 1000), { kind: 'granted' });
    assert.deepEqual(
      paths.map(({ name }) => name),
      ['b'],
    );
    assert.equal(access.uriFor(7), `nbd+unix:///data@server-1.7.11111111?socket=${socketPath}`);
    assert.ok(existsSync(socketPath));
  });

  it('fails where nobody answers, and is refused where this server is', async () => {
    for (const host of ['a', 'b'])
      opening[host] = Promise.reject(new RequestFailed(`${host}: not connected`, 'ENOTCONN'));
    assert.deepEqual(await access.obtain(7, 1000), { kind: 'failed', reason: 'a: not connected' });
    opening['a'] = Promise.reject(new DeviceUnusable('a: authentication failed'));
    const reason = 'a: authentication failed';
    assert.deepEqual(await access.obtain(7, 1000), { kind: 'refused', grantedEpoch: undefined, reason });
  });

  const stuck = () => Promise.reject(new OutcomeUnknown('a: no answer'));
  const standby = () => Promise.reject(new RequestFailed('a: not ready', 'NOT READY 04/0B'));
  const silent = { identity: stuck, registerKey: stuck, readKeys: stuck, describe: stuck };
  for (const [what, manner] of [
    ['lets it in and then answers nothing', silent],
    ['is no good for data, as one on standby', { describe: standby }],
  ] as const) {
    it(`is granted without a path that ${what}, whichever of them that is`, async () => {
      for (const host of ['a', 'b']) {
        manners = { [host]: manner };
        assert.deepEqual(await access.obtain(7, 1000), { kind: 'granted' });
        const [left, kept] = host === 'a' ? paths : paths.toReversed();
        assert.deepEqual([left?.usable, kept?.usable], [false, true]);
        paths = [];
      }
      assert.deepEqual(said, Array(2).fill('data: 1 of 2 paths cannot be opened, or does not work'));
    });
  }

  it('fails where every path lets it in and answers nothing', async () => {
    manners = { a: silent, b: silent };
    assert.deepEqual(await access.obtain(7, 1000), { kind: 'failed', reason: 'a: no answer' });
    assert.deepEqual(
      paths.map(({ usable }) => usable),
      [false, false],
    );
  });

  it('is not granted over paths that lead to two units', async () => {
    identities['b'] = 'another';
    const reason = 'b: not the same unit as a (INQUIRY page 83)';
    assert.deepEqual(await access.obtain(7, 1000), { kind: 'failed', reason });
    assert.deepEqual(
      paths.map(({ log }) => log),
      [['closed'], ['closed']],
    );
    assert.equal(target.registrations.size, 0, 'nothing was asked of either');
  });

  it('is not granted to another unit than before behind the same address', async () => {
    assert.deepEqual(await access.obtain(7, 1000), { kind: 'granted' });
    await access.giveUp();
    identities['a'] = identities['b'] = 'another';
    assert.deepEqual(await access.obtain(10, 1000), {
      kind: 'refused',
      grantedEpoch: undefined,
      reason:
        'a: another unit than before is there: another instead of one (INQUIRY page 83); when that is meant, start this anew',
    });
    assert.ok(paths.every(({ usable }) => !usable));
    identities = {};
    assert.deepEqual(await access.obtain(10, 1000), { kind: 'granted' });
  });

  it('that was given up meanwhile is not granted, and leaves no session behind', async () => {
    const opened = Promise.withResolvers<void>();
    opening['b'] = opened.promise;
    const attempt = access.obtain(7, 1000);
    await access.giveUp();
    opened.resolve();
    assert.deepEqual(await attempt, { kind: 'failed', reason: 'given up before it was granted' });
    assert.deepEqual(
      paths.map(({ usable }) => usable),
      [false, false],
    );
    assert.equal(target.registrations.size, 0, 'nothing was taken from anybody');
    assert.equal(existsSync(socketPath), false);
  });

  it('is given up without giving the reservation back', async () => {
    await access.obtain(7, 1000);
    await access.giveUp();
    assert.equal(target.registrations.size, 2);
    assert.notEqual(target.holder, undefined);
    assert.deepEqual(lost, []);
    assert.equal(existsSync(socketPath), false);
  });

  it('is told lost when somebody else holds the unit, although nobody writes', async () => {
    await access.obtain(7, 1000);
    const told = new Promise<void>((resolve) =>
      access.onLost((epoch, reason) => resolve(void lost.push([epoch, reason]))),
    );
    const nexus = target.open({ slot: 2, epoch: 8 });
    target.registrations.clear();
    target.registrations.set(nexus, 0x0002_0000_0000_0008n);
    target.holder = { nexus, type: 3 };
    await told;
    assert.deepEqual(lost, [[7, 'a: the unit is held by 0x0002000000000008 now']]);
    assert.equal(existsSync(socketPath), false);
  });

  it('is told lost when the watch hears of a reset, and what the service wrote was not flushed', async () => {
    await access.obtain(7, 1000);
    const told = new Promise<void>((resolve) =>
      access.onLost((epoch, reason) => resolve(void lost.push([epoch, reason]))),
    );
    const service = connect({ path: socketPath });
    service.write(
      Buffer.concat([clientFlags(), exportName('data@server-1.7.11111111'), write(0, new Uint8Array(512))]),
    );
    service.on('error', () => {});
    const [a] = paths;
    const reset = new RequestFailed('a: UNIT ATTENTION 29/00', 'UNIT ATTENTION 29/00');
    while (!a!.log.includes('write')) await new Promise(setImmediate);
    Object.assign(a!, { readReservation: () => Promise.reject(reset) });
    await told;
    assert.match(lost[0]![1], /UNIT ATTENTION 29\/00, with writes that were not flushed: they may be lost$/);
    service.destroy();
  });

  it('is told lost with the last of its paths, once', async () => {
    await access.obtain(7, 1000);
    paths[0]!.break();
    assert.deepEqual(lost, []);
    paths[1]!.break();
    assert.deepEqual(lost, [[7, 'b: broken by a test']]);
  });

  it('brings a lost path back, and says so', async () => {
    await access.obtain(7, 1000);
    paths[0]!.break();
    while (said.length < 2) await heard.promise;
    assert.deepEqual(said, [
      'data: a path was lost, 1 of 2 are left: a: broken by a test',
      'data: a path is back, 2 of 2: a',
    ]);
    paths[1]!.break();
    assert.deepEqual(lost, [], 'the one that is back is as good as the other');
    assert.equal(
      [...target.registrations.values()].every((key) => key === 0x0001_0000_0000_0007n),
      true,
    );
  });

  it('takes the unit so that a path which comes later can join, and it does', async () => {
    opening['b'] = Promise.reject(new RequestFailed('b: not connected', 'ENOTCONN'));
    await access.obtain(7, 1000);
    assert.equal(target.holder?.type, 6);
    assert.deepEqual(said, ['data: 1 of 2 paths cannot be opened, or does not work']);
    delete opening['b'];
    while (said.length < 2) await heard.promise;
    assert.equal(said[1], 'data: a path is back, 2 of 2: b');
  });

  it('brings no path back that leads to another unit now, and says so once', async () => {
    await access.obtain(7, 1000);
    identities['b'] = 'another';
    paths[1]!.break();
    const tried = paths.length;
    while (paths.length < tried + 2) await new Promise(setImmediate);
    assert.deepEqual(said.slice(1), ['data: a path stays lost: b: not the same unit as a (INQUIRY page 83)']);
    assert.ok(paths.slice(2, tried + 1).every(({ log, usable }) => !usable && log.join() === 'closed'));
  });
});
