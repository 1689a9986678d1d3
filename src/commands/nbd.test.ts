import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

/** Runs a line of shell with `$uri` of an nbdkit that lives as long as the line, and `arbiter` for the program. */
async function withNbdkit(
  plugin: readonly string[],
  line: string,
): Promise<{ exitCode?: number; stdout: string; stderr: string }> {
  const arbiter = `arbiter() { '${process.execPath}' '${MAIN}' "$@"; }`;
  const options = { reject: false } as const;
  const { exitCode, stdout, stderr } = await execa(
    'nbdkit',
    ['-U', '-', ...plugin, '--run', `${arbiter}; ${line}`],
    options,
  );
  return { ...(exitCode === undefined ? {} : { exitCode }), stdout, stderr };
}

describe('arbiter over NBD', function () {
  this.timeout(20_000);
  before(async function () {
    const found = await execa('nbdkit', ['--version'], { reject: false });
    if (found.exitCode === 0) return;
    console.log('      skipped: no nbdkit to test against (apt-get install nbdkit)');
    this.skip();
  });

  it('lays out, shows and dumps an area on nbdkit', async () => {
    const line =
      'arbiter init "$uri" --nodes a,b,c --interval-ms 100 && arbiter status "$uri" && arbiter dump "$uri"';
    const { exitCode, stdout, stderr } = await withNbdkit(['memory', '1M'], line);
    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.match(stdout, /^laid out a quorum area on nbd\+unix:/);
    assert.match(stdout, /^owner {4}none; nobody has owned this area yet$/m);
    assert.match(stdout, /^ {2}node {9}b$/m);
  });

  it('says in one line that an export is read-only', async () => {
    const { exitCode, stdout, stderr } = await withNbdkit(
      ['-r', 'memory', '1M'],
      'arbiter init "$uri" --nodes a,b',
    );
    assert.deepEqual([exitCode, stdout], [3, '']);
    assert.match(stderr, /^arbiter: nbd\+unix:[^\n]*: the export is read-only; init has to write it$/);
  });

  it('says in one line that nothing was laid out when the storage fails a write, and leaves no header', async () => {
    const failing = ['--filter=error', 'memory', '1M', 'error-pwrite=EIO', 'error-pwrite-rate=100%'];
    const line = 'arbiter init "$uri" --nodes a,b; echo "$?"; arbiter status "$uri"';
    const { exitCode, stdout, stderr } = await withNbdkit(failing, line);
    assert.deepEqual([exitCode, stdout], [3, '3']);
    const [failed, after] = stderr.split('\n').filter((text) => text.startsWith('arbiter: '));
    assert.match(failed!, /: nothing was laid out: writing slot 0 failed: .*EIO/);
    assert.match(after!, /: not formatted; /);
  });
});
