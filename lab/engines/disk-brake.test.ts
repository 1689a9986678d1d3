import assert from 'node:assert/strict';
import type { AuditEntry, AuditLine } from '../../src/ports/audit.ts';
import { DiskBrake } from './disk-brake.ts';
import type { WorldLine } from './engine.ts';

const says = (entry: AuditEntry): WorldLine => ({
  from: 'storage',
  line: { v: 1, n: 1, t: 1, ...entry } as AuditLine,
});
const starts = (pid: number, area: 'quorum' | 'data' | 'both') =>
  says({ event: 'server-started', pid, area, epoch: null });
const how = { epoch: null, code: null, signal: 'SIGKILL', byItself: false, why: '' };

describe('the brake on a disk', () => {
  const asked: string[] = [];
  const brake = () =>
    new DiskBrake('/data.img', async (argv) => {
      asked.push(argv.join(' '));
      return argv[0] === 'waiting' ? 'waiting=8\n' : 'writers=16\n';
    });
  beforeEach(() => void asked.splice(0));

  it('is put on the process that the storage node last started for the data area', async () => {
    const disk = brake();
    for (const line of [starts(7, 'both'), starts(8, 'quorum'), starts(9, 'both')]) disk.learn(line);
    assert.match(await disk.on(), /^16 threads of the target wait in every write to \/data\.img/);
    assert.equal(await disk.waiting(), 8);
    await disk.off();
    assert.deepEqual(asked, ['on 9 /data.img', 'waiting 9', 'off 9']);
  });

  it('is refused where the storage node writes by itself, and needs not be taken off a dead process', async () => {
    const disk = brake();
    await assert.rejects(disk.on(), /no process of its own/);
    disk.learn(starts(7, 'both'));
    await disk.on();
    disk.learn(says({ event: 'server-ended', pid: 7, area: 'both', ...how }));
    assert.match(await disk.off(), /has ended/);
    assert.deepEqual(asked, ['on 7 /data.img']);
  });

  it('lets go of a target that was killed under it, and leaves the next one alone', async () => {
    const disk = brake();
    disk.learn(starts(7, 'both'));
    await disk.on();
    await disk.letGo();
    disk.learn(starts(8, 'both'));
    assert.match(await disk.off(), /has ended/);
    assert.deepEqual(asked, ['on 7 /data.img', 'off 7']);
  });
});
