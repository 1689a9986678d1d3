import assert from 'node:assert/strict';
import { execa } from 'execa';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineState } from '../lab/engines/docker/connect.ts';
import { dockerOrSkip } from '../lab/engines/docker/engine.fixture.ts';
import { root } from './lab-program.ts';

/** A second daemon beside the one that answers: with a root, a socket and a pid file of its own, and without networks. */
describe('make engine, with a real daemon', function () {
  this.timeout(120_000);
  let folder: string;
  let env: Record<string, string>;
  const engine = (...argv: string[]) => execa(join(root, 'bin/engine'), argv, { env, reject: false });

  before(async function () {
    await dockerOrSkip(this);
    const { exitCode } = await execa('sh', ['-c', 'command -v dockerd'], { reject: false });
    if (process.getuid?.() === 0 && exitCode === 0) return;
    console.log('      skipped: a daemon of our own needs root and a dockerd');
    this.skip();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'engine-'));
    const options = ['data-root=data', 'exec-root=exec', 'pidfile=pid'].map(
      (o) => `--${o.replace('=', `=${folder}/`)}`,
    );
    env = {
      TMPDIR: folder,
      DOCKER_HOST: `unix://${folder}/s`,
      DOCKER_OPTS: [...options, '-H', `unix://${folder}/s`, '--bridge=none', '--iptables=false'].join(' '),
    };
  });
  afterEach(async () => {
    if (folder === undefined) return;
    await engine('stop', join(folder, 'started'));
    await rm(folder, { recursive: true });
  });

  it('starts one over the pid file of a killed one, twice in a row, and ends the one it started', async () => {
    await writeFile(join(folder, 'pid'), '999999999');
    const started = await engine('start', join(folder, 'started'));
    assert.equal(started.exitCode, 0, started.stderr);
    assert.match(started.stderr, /^engine: removing .*: process 999999999 is no dockerd$/m);
    const pid = (await readFile(join(folder, 'started'), 'utf8')).trim();
    assert.equal(
      await readFile(join(folder, 'pid'), 'utf8'),
      pid,
      'the daemon says that it is another process',
    );
    assert.ok((await engineState({ socketPath: join(folder, 's') })).answers);

    const again = await execa('make', ['-s', 'engine'], { env, cwd: root });
    assert.match(again.stderr, /^engine: Docker \S+ answers; nothing to do$/);

    await engine('stop', join(folder, 'started'));
    assert.ok(!(await engineState({ socketPath: join(folder, 's') })).answers);
    assert.match(await readFile(join(folder, 'arbiter-lab-dockerd.log'), 'utf8'), /API listen on/);
  });
});
