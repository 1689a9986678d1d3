import assert from 'node:assert/strict';
import { execa } from 'execa';
import { access, chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './lab-program.ts';

/** A machine of nothing but what a test puts on it: programs are shell scripts of our own, and what every script needs. */
class Machine {
  readonly folder: string;
  constructor(folder: string) {
    this.folder = folder;
  }
  async has(name: string, script: string, where = 'bin'): Promise<void> {
    const path = join(this.folder, where, name);
    await writeFile(path, `#!/bin/bash\n${script}\n`);
    await chmod(path, 0o755);
  }
  /** Programs of the machine this runs on, under their own names; whatever they start is again from `bin` alone. */
  async hasOwn(...names: string[]): Promise<void> {
    for (const name of names) {
      const { stdout } = await execa('sh', ['-c', `command -v ${name}`]);
      await symlink(stdout, join(this.folder, 'bin', name));
    }
  }
  run(program: string, ...argv: string[]) {
    return this.runWith({ DOCKER_OPTS: `--pidfile=${this.folder}/docker.pid` }, program, ...argv);
  }
  runWith(env: Readonly<Record<string, string>>, program: string, ...argv: string[]) {
    return execa('/bin/bash', [join(this.folder, program), ...argv], {
      reject: false,
      extendEnv: false,
      timeout: 60_000,
      env: { PATH: join(this.folder, 'bin'), TMPDIR: this.folder, HERE: this.folder, ...env },
    });
  }
  async exists(name: string): Promise<boolean> {
    return access(join(this.folder, name)).then(
      () => true,
      () => false,
    );
  }
}

/** Answers while a `dockerd` of this machine runs; that one says in files what became of it. */
const DOCKER = 'if [ -e $HERE/engine-up ]; then echo 20.10.24; else exit 1; fi';
const DOCKERD = `echo $$ > $HERE/dockerd-pid; echo "$@" > $HERE/dockerd-options
trap 'rm -f $HERE/engine-up; touch $HERE/dockerd-ended; exit 0' TERM
touch $HERE/engine-up; while :; do sleep 0.05; done`;

describe('bringing up an engine', function () {
  this.timeout(60_000);
  let machine: Machine;
  beforeEach(async () => {
    machine = new Machine(await mkdtemp(join(tmpdir(), 'engine-test-')));
    for (const folder of ['bin', '.ci', 'test', 'package']) await mkdir(join(machine.folder, folder));
    for (const file of ['bin/engine', 'bin/install-packages', '.ci/run', 'test/tools'])
      await cp(join(root, file), join(machine.folder, file));
    await machine.hasOwn('dirname', 'readlink', 'timeout', 'sed', 'cat', 'rm', 'setsid', 'sleep', 'touch');
    await machine.hasOwn('tail', 'mktemp', 'tee', 'grep', 'bash');
    await machine.has('id', 'echo 0');
  });
  afterEach(async () => {
    const pid = await readFile(join(machine.folder, 'dockerd-pid'), 'utf8').catch(() => undefined);
    // A test that failed half-way: only what it started itself.
    if (pid !== undefined && !(await machine.exists('dockerd-ended'))) process.kill(Number(pid), 'SIGKILL');
    await rm(machine.folder, { recursive: true });
  });

  it('does nothing where one answers, and says so', async () => {
    await machine.has('docker', 'echo 20.10.24');
    await machine.has('dockerd', 'touch $HERE/dockerd-pid');
    const ran = await machine.run('bin/engine', 'start');
    assert.equal(ran.exitCode, 0, ran.stderr);
    assert.equal(ran.stderr, 'engine: Docker 20.10.24 answers; nothing to do');
    assert.equal(await machine.exists('dockerd-pid'), false);
  });

  it('refuses in one line without root', async () => {
    await machine.has('id', 'echo 1000');
    await machine.has('apt-get', 'exit 1');
    const ran = await machine.run('bin/engine', 'start');
    assert.equal(ran.exitCode, 3);
    assert.equal(
      ran.stderr,
      'engine: no engine answers, and to start one needs root: run this as root (sudo make engine)',
    );
  });

  it('refuses in one line where there is neither apt-get nor a dockerd', async () => {
    const ran = await machine.run('bin/engine', 'start');
    assert.equal(ran.exitCode, 3);
    assert.equal(
      ran.stderr,
      'engine: this is no Debian (there is no apt-get) and has no dockerd: install Docker yourself, or use --engine process',
    );
  });

  it('installs what is missing, starts a daemon that outlives it, and says both', async () => {
    await machine.has('dpkg-query', '[ "${@: -1}" = debootstrap ] && echo installed');
    await machine.has('docker', DOCKER, 'package');
    await machine.has('dockerd', DOCKERD, 'package');
    await machine.hasOwn('mv');
    await machine.has('apt-get', 'echo "$@" >> $HERE/apt; [ $1 = update ] || mv $HERE/package/* $HERE/bin/');
    const ran = await machine.run('bin/engine', 'start', join(machine.folder, 'started'));
    assert.equal(ran.exitCode, 0, ran.stderr);
    const pid = (await readFile(join(machine.folder, 'dockerd-pid'), 'utf8')).trim();
    assert.deepEqual(ran.stderr.split('\n'), [
      'packages: installing docker.io',
      `engine: starting dockerd (process ${pid}, log in ${machine.folder}/arbiter-lab-dockerd.log)`,
      `engine: Docker 20.10.24 answers; it stays until: kill ${pid}`,
    ]);
    assert.match(await readFile(join(machine.folder, 'apt'), 'utf8'), /^install .* docker\.io$/m);
    assert.ok(process.kill(Number(pid), 0), 'it ended with the command');

    const again = await machine.run('bin/engine', 'start', join(machine.folder, 'again'));
    assert.equal(again.stderr, 'engine: Docker 20.10.24 answers; nothing to do');
    assert.equal(await machine.exists('again'), false);
    assert.equal((await machine.run('bin/engine', 'stop', join(machine.folder, 'again'))).exitCode, 0);
    assert.equal(await machine.exists('dockerd-ended'), false, 'a daemon that it had not started was ended');

    await machine.run('bin/engine', 'stop', join(machine.folder, 'started'));
    assert.equal(await machine.exists('dockerd-ended'), true);
  });

  it('is left to systemd where that runs', async () => {
    await machine.has('docker', DOCKER);
    await machine.has('dockerd', DOCKERD);
    const systemctl =
      'case $* in is-system-running) echo degraded; exit 1;; "start docker") touch $HERE/engine-up;; esac';
    await machine.has('systemctl', systemctl);
    const ran = await machine.runWith({}, 'bin/engine', 'start', join(machine.folder, 'started'));
    assert.equal(ran.stderr, 'engine: starting docker.service\nengine: Docker 20.10.24 answers');
    assert.equal(await machine.exists('started'), false);
    assert.equal(await machine.exists('dockerd-pid'), false);
  });

  it('starts none when DOCKER_HOST names another one', async () => {
    await machine.has('docker', DOCKER);
    await machine.has('dockerd', DOCKERD);
    const ran = await machine.runWith({ DOCKER_HOST: 'tcp://far:2375' }, 'bin/engine', 'start');
    assert.equal(ran.exitCode, 3);
    assert.equal(
      ran.stderr,
      'engine: DOCKER_HOST is tcp://far:2375, where no engine answers: start that one, or unset DOCKER_HOST',
    );
    assert.equal(await machine.exists('dockerd-pid'), false);
  });

  it('clears away the pid file of a daemon that is gone, and no other', async () => {
    await machine.has('docker', DOCKER);
    await machine.has('dockerd', DOCKERD);
    await writeFile(join(machine.folder, 'docker.pid'), String(process.pid));
    const ran = await machine.run('bin/engine', 'start', join(machine.folder, 'started'));
    assert.equal(ran.exitCode, 0, ran.stderr);
    assert.match(ran.stderr, new RegExp(`^engine: removing .*: process ${process.pid} is no dockerd$`, 'm'));

    // Now a dockerd that is there and does not answer yet: it is waited for, until it does.
    const pid = await readFile(join(machine.folder, 'dockerd-pid'), 'utf8');
    await writeFile(join(machine.folder, 'docker.pid'), pid.trim());
    await machine.has('docker', DOCKER.replace('exit 1', 'touch $HERE/engine-up; exit 1'));
    await rm(join(machine.folder, 'engine-up'));
    const waited = await machine.run('bin/engine', 'start');
    assert.match(waited.stderr, new RegExp(`^engine: a dockerd is on its way \\(process ${pid.trim()}\\)`));
    assert.equal(waited.exitCode, 0);
    assert.equal(await machine.exists('docker.pid'), true);
    await machine.run('bin/engine', 'stop', join(machine.folder, 'started'));
  });

  it('says why when the daemon ends before it answers', async () => {
    await machine.has('docker', 'exit 1');
    await machine.has('dockerd', 'echo "no cgroups here"; exit 1');
    const ran = await machine.run('bin/engine', 'start');
    assert.equal(ran.exitCode, 3);
    assert.match(ran.stderr, /^no cgroups here$/m);
    assert.match(
      ran.stderr,
      /^engine: dockerd ended before it answered; its log is .*arbiter-lab-dockerd.log$/m,
    );
  });

  for (const [exitCode, more] of [
    [0, ''],
    [2, 'make: *** [Makefile:25: test] Error 1'],
  ] as const) {
    it(`in .ci/run is for the tests alone, whose last line and exit code (${exitCode}) stay the last`, async () => {
      await machine.has('docker', DOCKER);
      await machine.has('dockerd', DOCKERD);
      await machine.has('dpkg-query', 'echo installed');
      await machine.has(
        'make',
        `[ -e $HERE/engine-up ] && [ "$LAB_ENGINE $*" = 'docker test' ] && echo '7 passed, 0 failed, 1 skipped'; echo '${more}' >&2; exit ${exitCode}`,
      );
      const ran = await machine.run('.ci/run');
      assert.equal(ran.exitCode, exitCode, ran.stderr);
      assert.equal(ran.stdout.trim().split('\n').at(-1), '7 passed, 0 failed, 1 skipped');
      assert.equal(await machine.exists('dockerd-ended'), true, 'the engine was left running');
    });
  }

  it('is never asked for by another target', async () => {
    const { stdout } = await execa('make', ['-n', '-B', 'setup', 'lab', 'test', 'bench'], { cwd: root });
    assert.match(stdout, /bin\/lab run/);
    assert.doesNotMatch(stdout, /bin\/engine/);
  });
});
