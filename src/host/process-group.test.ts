import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  allGone,
  isLiving,
  livingMembers,
  nameProcess,
  parseStat,
  signalGroup,
  signalProcess,
  statOf,
} from './process-group.ts';

describe('a process group', () => {
  const line = (name: string, state = 'S', threads = 1) =>
    `4711 (${name}) ${state} 1 4700 4699 0 -1 4194304 5 0 0 0 0 0 0 0 20 0 ${threads} 0 98765 1000 2 18446744073709551615`;

  for (const name of ['ledger', 'a b', 'x) R 1 (y', ')', '']) {
    it(`is read off /proc/PID/stat of a program called '${name}'`, () => {
      assert.deepEqual(parseStat(line(name)), {
        pid: 4711,
        state: 'S',
        groupId: 4700,
        sessionId: 4699,
        threads: 1,
        startTicks: 98765,
      });
    });
  }

  it('is not made of anything else', () => {
    assert.equal(parseStat(''), undefined);
    assert.equal(parseStat('4711 (ledger) S 1'), undefined);
  });

  //  state  threads  living  why
  // prettier-ignore
  for (const [state, threads, living, why] of [
    ['S',    1,       true,   'it sleeps'],
    ['T',    1,       true,   'it is stopped, and may go on'],
    ['D',    1,       true,   'a request of it is under way'],
    ['Z',    1,       false,  'it waits to be reaped'],
    ['Z',    2,       true,   'only its first thread has ended'],
  ] as const) {
    it(`counts a process in state ${state} with ${threads} threads as ${living ? 'living' : 'dead'}: ${why}`, () => {
      assert.equal(isLiving(parseStat(line('x', state, threads))!), living);
    });
  }

  it('is never that of everybody', () => {
    for (const group of [1, 0, -1, Number.NaN]) {
      assert.throws(() => signalGroup({ pid: group, startTicks: 1 }, 'SIGKILL'), RangeError);
    }
  });

  it('is gone when its last member is, its leader being dead or not', async () => {
    const leader = spawn('sh', ['-c', 'sleep 1000 & echo up; exec sleep 1000'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(leader.stdout, 'data');
    const group = nameProcess(leader.pid!)!;
    assert.equal(livingMembers(group).length, 2);
    leader.kill('SIGKILL');
    await once(leader, 'exit');
    assert.equal(livingMembers(group).length, 1);
    const seen: number[] = [];
    await allGone(
      () => livingMembers(group),
      (still) => {
        seen.push(...still.map(({ pid }) => pid));
        signalGroup(group, 'SIGKILL');
      },
    );
    assert.ok(seen.length > 0 && !seen.includes(group.pid));
    assert.deepEqual(livingMembers(group), []);
  });

  it('is not the one that another process made under the same number later', async () => {
    const stranger = spawn('sleep', ['1000'], { detached: true });
    const { pid, startTicks } = nameProcess(stranger.pid!)!;
    const former = { pid, startTicks: startTicks - 1 };
    assert.equal(signalGroup(former, 'SIGKILL'), 'gone');
    assert.equal(signalProcess(former, 'SIGKILL'), 'gone');
    assert.deepEqual(livingMembers(former), []);
    await allGone(
      () => livingMembers(former),
      () => assert.fail('it found the stranger'),
    );
    assert.equal(livingMembers({ pid, startTicks }).length, 1);
    assert.equal(signalProcess({ pid, startTicks }, 'SIGKILL'), 'sent');
    const [, signal] = (await once(stranger, 'exit')) as [null, string];
    assert.equal(signal, 'SIGKILL');
  });

  it('is found by this very process', () => {
    assert.equal(statOf('self')?.pid, process.pid);
    assert.equal(statOf(2 ** 30), undefined);
  });
});
