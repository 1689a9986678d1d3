import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LineWaiter } from '../bring-up.ts';
import type { MemberEnd, World, WorldLine } from '../engine.ts';
import { testLabId, worldSpec } from '../world-spec.fixture.ts';
import { started, type Trial, worldClaims, worldEndClaims } from '../world-claims.fixture.ts';
import { processEngine } from './engine.ts';
import { isRunning } from './marked-processes.ts';

describe('a world of processes', function () {
  this.timeout(120_000);
  const lines: WorldLine[] = [];
  const ends: MemberEnd[] = [];
  const waiter = new LineWaiter((line) => void lines.push(line));
  let dir: string;
  let world: World;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'world-test-'));
    const spec = worldSpec(testLabId('process'), dir, {
      onLine: (line) => waiter.deliver(line),
      onEnd: (end) => void ends.push(end),
    });
    world = await processEngine.create(spec);
  });
  after(async () => {
    await world?.[Symbol.asyncDispose]();
    if (dir !== undefined) await rm(dir, { recursive: true });
  });

  const trial = (): Trial => ({
    ...{ world, dir, waiter, lines, ends },
    async stateOf(_server, pid) {
      const found = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
      const [state = ''] = found.slice(found.lastIndexOf(')') + 2);
      return state === '' ? 'gone' : state === 'T' ? 'stopped' : 'on';
    },
    async killFromOutside(_server, pid) {
      process.kill(pid, 'SIGKILL');
    },
  });

  worldClaims(trial);

  it('does not call a death wanted that came before it was asked for, however little before', async () => {
    await started(trial(), 'server-1');
    const { agent } = (await world.status('server-1'))!.pids;
    process.kill(agent, 'SIGKILL');
    // Nothing is awaited, so the world cannot have noticed.
    while (isRunning(agent));
    await world.killServer('server-1');
    const end = { member: 'server-1', code: null, signal: 'SIGKILL', wanted: false };
    assert.deepEqual(ends.at(-1), end);
  });

  worldEndClaims(trial);
});
