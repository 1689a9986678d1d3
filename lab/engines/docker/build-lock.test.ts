import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { withBuildLock } from './build-lock.ts';

const quiet = () => {};

describe('the lock for making images', () => {
  const name = `build-lock-test-${process.pid}`;

  it('lets one at a time in, and every one in the end', async () => {
    let inside = 0;
    let most = 0;
    let done = 0;
    const enter = () =>
      withBuildLock(
        quiet,
        async () => {
          most = Math.max(most, ++inside);
          await turn();
          inside--;
          done++;
        },
        name,
      );
    await Promise.all([enter(), enter(), enter(), enter()]);
    assert.deepEqual({ most, done }, { most: 1, done: 4 });
  });

  it('is given up when the work fails', async () => {
    await assert.rejects(
      withBuildLock(quiet, () => Promise.reject(new Error('no disk')), name),
      /no disk/,
    );
    assert.equal(await withBuildLock(quiet, async () => 'next', name), 'next');
  });

  it('is given up by a process that is killed, and waiting for it is said once', async () => {
    const module = new URL('./build-lock.ts', import.meta.url).href;
    const code = `import { withBuildLock } from '${module}';
      await withBuildLock(() => {}, async () => { console.log('in'); await new Promise(() => setInterval(() => {}, 1000)); }, '${name}');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const said: string[] = [];
    const entered = withBuildLock(
      (text) => {
        said.push(text);
        child.kill('SIGKILL');
      },
      async () => 'mine',
      name,
    );
    assert.equal(await entered, 'mine');
    assert.deepEqual(said, ['another lab is making images; waiting for it']);
  });
});
