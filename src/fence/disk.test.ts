import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needs } from '../block/nbd/servers.fixture.ts';
import { DiskAccess } from './disk.ts';
import { SgStandIn } from './sg-standin.fixture.ts';

const DEADLINE_MS = 20_000;

describe('a data area on a disk of this machine', () => {
  let standIn: SgStandIn;
  const opened: DiskAccess[] = [];
  const open = async (slot: number) => {
    const path = standIn.device(`server-${slot}`);
    const access = await DiskAccess.open({ path, slot, slots: 3, checkEveryMs: 50 });
    opened.push(access);
    return access;
  };

  beforeEach(() => {
    standIn = new SgStandIn();
  });
  afterEach(async () => {
    for (const access of opened.splice(0)) await access.giveUp();
    standIn[Symbol.dispose]();
  });

  it('is taken with sg_persist, command by command', async () => {
    const access = await open(1);
    standIn.restart();
    assert.deepEqual(await access.obtain(1, DEADLINE_MS), { kind: 'granted' });
    assert.equal(access.uriFor(), 'file:///dev/disk/by-id/standin@server-1');
    assert.deepEqual(standIn.log, [
      'sg_persist --no-inquiry --out --register-ignore --param-sark=1000000000001',
      'sg_persist --no-inquiry --in --read-keys',
      'sg_persist --no-inquiry --in --read-reservation',
      'sg_persist --no-inquiry --out --reserve --param-rk=1000000000001 --prout-type=3',
      'sg_reset --device --no-esc',
      'sg_persist --no-inquiry --in --read-keys',
      'sg_persist --no-inquiry --in --read-reservation',
    ]);
  });

  it('is taken over by a newer epoch, refused to an older one, and whoever lost it is told', async () => {
    const [one, two] = [await open(1), await open(2)];
    assert.deepEqual(await one.obtain(1, DEADLINE_MS), { kind: 'granted' });
    const lost = new Promise<[number, string]>((resolve) =>
      one.onLost((epoch, reason) => resolve([epoch, reason])),
    );
    assert.deepEqual(await two.obtain(2, DEADLINE_MS), { kind: 'granted' });
    const [epoch, reason] = await lost;
    assert.equal(epoch, 1);
    assert.match(
      reason,
      /server-1: (.* failed with UNIT ATTENTION 2A\/05|the unit is held by 0x0002000000000002 now)/,
    );
    const outcome = await one.obtain(1, DEADLINE_MS);
    assert.deepEqual(outcome, {
      kind: 'refused',
      grantedEpoch: 2,
      reason: 'the unit was taken under epoch 2',
    });
  });

  it('is taken again by its owner under a higher epoch, on the nexus it had', async () => {
    const one = await open(1);
    await one.obtain(1, DEADLINE_MS);
    assert.deepEqual(await one.obtain(3, DEADLINE_MS), { kind: 'granted' });
  });

  it('is told lost when the disk has forgotten who held it', async () => {
    const one = await open(1);
    const lost = new Promise<string>((resolve) => one.onLost((_, reason) => resolve(reason)));
    await one.obtain(1, DEADLINE_MS);
    standIn.restart();
    assert.match(await lost, /nobody holds the unit any more/);
  });

  it('is refused where sg_persist is missing, in a line that says what to install', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = '/nowhere';
    try {
      await assert.rejects(DiskAccess.open({ path: '/dev/sda', slot: 1, slots: 3, checkEveryMs: 50 }), {
        name: 'DeviceUnusable',
        message: "/dev/sda: the program 'sg_reset' is missing: install the package sg3-utils",
      });
    } finally {
      process.env['PATH'] = path;
    }
  });
});

describe('a path that is no SCSI disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'arbiter-disk-'));
  before(async function () {
    await needs(this, 'sg_persist', 'sg3-utils');
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is refused by the real sg_persist, in one line that says what to do', async () => {
    const path = join(folder, 'file');
    writeFileSync(path, 'no disk');
    await assert.rejects(DiskAccess.open({ path, slot: 1, slots: 3, checkEveryMs: 50 }), (error: Error) => {
      assert.equal(error.name, 'DeviceUnusable');
      assert.match(
        error.message,
        /file: takes no persistent reservations \(.*\); a disk that nothing guards needs `fencing: none`$/,
      );
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  });
});
