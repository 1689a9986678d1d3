import assert from 'node:assert/strict';
import { arbiter } from './program.fixture.ts';
import { programVersion } from './version.ts';

describe('arbiter', () => {
  it('lists its commands, with an example', async () => {
    const { exitCode, stdout, stderr } = await arbiter('--help');
    assert.equal(exitCode, 0);
    assert.equal(stderr, '');
    for (const command of ['init', 'run', 'status', 'dump', 'doctor', 'release', 'storage']) {
      assert.match(stdout, new RegExp(`^  ${command} +\\S`, 'm'));
    }
    assert.match(stdout, /^Example:\n {2}arbiter init nbd:/m);
    assert.ok(stdout.split('\n').every((line) => line.length <= 80));
  });

  it('says its version', async () => {
    assert.deepEqual(await arbiter('--version'), { exitCode: 0, stdout: programVersion(), stderr: '' });
  });

  for (const command of [
    'init',
    'run',
    'status',
    'dump',
    'doctor',
    'release',
    'storage',
    'storage control',
  ]) {
    it(`explains ${command}, with an example`, async () => {
      for (const argv of [
        [...command.split(' '), '--help'],
        ...(command.includes(' ') ? [] : [['help', command]]),
      ]) {
        const { exitCode, stdout } = await arbiter(...argv);
        assert.equal(exitCode, 0);
        for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
        assert.match(
          stdout,
          new RegExp(`^Usage: arbiter ${command} .*[^]*^Examples?:\\n  arbiter ${command} `, 'm'),
        );
      }
    });
  }

  // prettier-ignore
  const WRONG: readonly (readonly [readonly string[], string])[] = [
    [['inti'],                 "arbiter: unknown command 'inti' (Did you mean init?)"],
    [['--josn'],               "arbiter: unknown option '--josn'"],
    [['dump'],                 "arbiter: missing required argument 'uri'"],
    [['dump', 'file:///a', 'b'], "arbiter: too many arguments for 'dump'. Expected 1 argument but got 2: file:///a, b."],
    [['dump', 'file:///a', '--jsn'], "arbiter: unknown option '--jsn' (Did you mean --json?)"],
    [['storage', 'control'],   "arbiter: required option '--socket <path>' not specified"],
    [['dump', 'nbd:///a'],      'arbiter: nbd:///a: needs a host as in nbd://HOST[:PORT]/EXPORT; IPv6 addresses stand in [brackets]'],
    [['dump', ''],             'arbiter: a block device is named by a URI, and this one is empty; known are nbd://HOST[:PORT]/EXPORT, nbd+unix:///EXPORT?socket=/PATH, both as nbds with TLS, iscsi://[USER@]HOST[:PORT]/TARGET/LUN, file:///PATH and a plain path'],
  ];
  for (const [argv, line] of WRONG) {
    it(`answers one line and 64 to: arbiter ${argv.join(' ')}`, async () => {
      assert.deepEqual(await arbiter(...argv), { exitCode: 64, stdout: '', stderr: line });
    });
  }

  it('alone is a mistake, whose message is the help', async () => {
    const { exitCode, stdout, stderr } = await arbiter();
    assert.equal(exitCode, 64);
    assert.equal(stdout, '');
    assert.match(stderr, /^Usage: arbiter /);
  });
});
