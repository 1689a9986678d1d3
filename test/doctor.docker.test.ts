import assert from 'node:assert/strict';
import type Docker from 'dockerode';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { LineWaiter } from '../lab/engines/bring-up.ts';
import { dockerOrSkip } from '../lab/engines/docker/engine.fixture.ts';
import { labels } from '../lab/engines/docker/labels.ts';
import { ensureLabImage } from '../lab/engines/docker/lab-image.ts';
import { parseOwner } from '../lab/engines/owner.ts';
import type { Diagnosis } from '../lab/doctor/finding.ts';
import { faults } from '../lab/faults/index.ts';
import { lab, root } from './lab-program.ts';

describe('lab doctor, where an engine answers', function () {
  this.timeout(180_000);
  let docker: Docker;
  before(async function () {
    docker = await dockerOrSkip(this);
    await ensureLabImage(docker, () => {});
  });

  async function containersOf(pid: number | undefined): Promise<string[]> {
    const filters = JSON.stringify({ label: [labels.lab] });
    const found = await docker.listContainers({ all: true, filters });
    return found
      .filter(({ Labels }) => parseOwner(Labels[labels.owner] ?? '')?.pid === pid)
      .map(({ Names }) => Names[0] ?? '');
  }

  it('finds everything there, and makes every fault on it', async () => {
    const ran = lab(['doctor', '--json'], { LAB_ENGINE: 'docker' });
    const { exitCode, stdout, stderr } = await ran;
    assert.equal(exitCode, 0, stdout + stderr);
    const { docker: found, engine, verdict } = JSON.parse(stdout) as Diagnosis;
    assert.equal(engine, 'docker');
    assert.match(verdict, /^make lab takes docker \(Docker \S+ answers\)$/);
    const states = Object.fromEntries(found.findings.map(({ thing, state }) => [thing, state]));
    for (const thing of ['engine', 'lab image', 'base image', 'subnets'])
      assert.equal(states[thing], 'ok', thing);
    assert.equal(found.faults.length, faults.length);
    for (const { thing, state, why } of found.faults) assert.equal(state, 'ok', `${thing}: ${why}`);
    assert.deepEqual(await containersOf(ran.pid), []);
  });

  it('fits 80 columns', async () => {
    const { stdout } = await lab(['doctor'], { LAB_ENGINE: 'docker' });
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80 || line.includes('$ '), line);
    assert.match(stdout, /^faults on docker, each tried out$/m);
  });

  it('leaves nothing when it is killed while it tries', async () => {
    const argv = ['--disable-warning=ExperimentalWarning', join(root, 'lab/main.ts'), 'doctor'];
    const child = spawn(process.execPath, argv, { stdio: 'ignore' });
    const { until } = LineWaiter.prototype;
    await until(async () => (await containersOf(child.pid)).length > 0, 60_000, 'a container to try on');
    child.kill('SIGKILL');
    await until(async () => (await containersOf(child.pid)).length === 0, 60_000, 'it to be reaped');
  });
});
