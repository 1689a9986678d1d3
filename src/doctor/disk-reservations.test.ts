import assert from 'node:assert/strict';
import { SgStandIn } from '../fence/sg-standin.fixture.ts';
import { SgUnit } from '../fence/sg-unit.ts';
import { diskReservations, tryDiskReservations } from './disk-reservations.ts';
import { Unfinished } from './unfinished.ts';

const options = () => ({
  deadlineMs: 8000,
  signal: new AbortController().signal,
  unfinished: new Unfinished(),
});

/** With a stand-in for sg3-utils: the machines this was made on have no SCSI disk. */
describe('a doctor with a SCSI disk of this machine', function () {
  this.timeout(20_000);
  let disk: SgStandIn;
  beforeEach(() => (disk = new SgStandIn()));
  afterEach(() => disk[Symbol.dispose]());

  it('reads who is registered and who holds it, and changes nothing', async () => {
    const path = disk.device('a');
    assert.deepEqual(await diskReservations(path, 8000), { kind: 'taken', keys: [], held: undefined });
    const owner = new SgUnit(disk.device('b'));
    await owner.registerKey(7n, 8000);
    await owner.reserve(7n, 3, 8000);
    const before = disk.log.length;
    assert.deepEqual(await diskReservations(path, 8000), {
      kind: 'taken',
      keys: [7n],
      held: { key: 7n, type: 3 },
    });
    for (const line of disk.log.slice(before)) assert.match(line, /--in --read-(keys|reservation)/);
  });

  it('takes a reservation with consent and gives it back', async () => {
    const path = disk.device('a');
    const watched = options();
    const [found, ...more] = await tryDiskReservations(path, watched);
    assert.deepEqual([found?.state, more, watched.unfinished.any], ['ok', [], false]);
    assert.ok(disk.log.some((line) => line.includes('--reserve')));
    assert.deepEqual(await diskReservations(path, 8000), { kind: 'taken', keys: [], held: undefined });
  });

  it('takes none where anybody is registered', async () => {
    await new SgUnit(disk.device('b')).registerKey(7n, 8000);
    const { length } = disk.log;
    await assert.rejects(tryDiskReservations(disk.device('a'), options()), {
      exitCode: 3,
      message: /in use/,
    });
    assert.ok(disk.log.slice(length).every((line) => line.includes('--in')));
  });

  it('says what is in the way where it takes none', async () => {
    disk[Symbol.dispose]();
    const before = process.env['PATH'];
    process.env['PATH'] = '/nowhere';
    try {
      const found = await diskReservations('/dev/sda', 8000);
      assert.equal(found.kind, 'none');
      assert.match(found.kind === 'none' ? found.why : '', /install the package sg3-utils$/);
    } finally {
      process.env['PATH'] = before;
      disk = new SgStandIn();
    }
  });
});
