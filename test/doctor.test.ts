import assert from 'node:assert/strict';
import { execa } from 'execa';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Diagnosis, Finding } from '../lab/doctor/finding.ts';
import { faults } from '../lab/faults/index.ts';
import { root } from './lab-program.ts';

const isRoot = process.getuid?.() === 0;
const NOWHERE = { DOCKER_HOST: 'unix:///nowhere/docker.sock' };

describe('lab doctor', function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'doctor-test-'));
    await chmod(folder, 0o777); // also for another user
  });
  afterEach(() => rm(folder, { recursive: true }));

  function doctor(argv: readonly string[], env: Record<string, string | undefined>, uid?: number) {
    const program = ['--disable-warning=ExperimentalWarning', join(root, 'lab/main.ts'), 'doctor', ...argv];
    return execa(process.execPath, program, {
      reject: false,
      cwd: root,
      env: { LAB_ENGINE: undefined, LAB_RUNS: join(folder, 'runs'), ...env },
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
  }
  const diagnosisOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout) as Diagnosis;
  const finding = (findings: readonly Finding[], thing: string) =>
    findings.find((each) => each.thing === thing);

  it('says without an engine what is missing and what brings it, in 80 columns, and that the lab can run', async () => {
    const ran = await doctor([], NOWHERE);
    assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr);
    for (const line of ran.stdout.split('\n')) assert.ok(line.length <= 80 || line.includes('$ '), line);
    assert.match(
      ran.stdout,
      /missing +engine +there is no \/nowhere\/docker\.sock: .*\n.*\n +\$ unset DOCKER_HOST/,
    );
    assert.match(ran.stdout, /^make lab takes process \(no Docker engine: there is no/m);
    assert.match(ran.stdout, /\nNothing on this machine was changed: what was tried out is gone again\.$/);
    assert.deepEqual(await readdir(folder), [], 'the folder of runs was made');
  });

  it('fails when the engine asked for is not there, whatever else could be had', async () => {
    const ran = await doctor([], { ...NOWHERE, LAB_ENGINE: 'docker' });
    assert.equal(ran.exitCode, 3, ran.stdout);
    assert.match(ran.stdout, /^make lab would fail: no Docker engine: there is no/m);
  });

  it('fails when a run cannot be written', async () => {
    const ran = await doctor(['--json'], { ...NOWHERE, LAB_RUNS: '/dev/null/runs' });
    assert.equal(ran.exitCode, 3, ran.stdout);
    const { machine, verdict } = diagnosisOf(ran);
    assert.equal(finding(machine, 'room for runs')?.state, 'missing');
    assert.match(verdict, /would fail: a run cannot be written to \/dev\/null\/runs: ENOTDIR/);
  });

  it('names every fault on every engine, by what it is made, and tried out where there is one', async () => {
    const { docker, process: child, engine, ready } = diagnosisOf(await doctor(['--json'], NOWHERE));
    const names = faults.map(({ name }) => name);
    for (const found of [docker.faults, child.faults]) {
      assert.deepEqual(
        found.map(({ thing }) => thing),
        names,
      );
    }
    for (const fault of docker.faults) assert.equal(fault.state, 'missing', fault.thing);
    for (const fault of child.faults) assert.equal(fault.state, 'ok', `${fault.thing}: ${fault.why}`);
    assert.deepEqual({ engine, ready }, { engine: 'process', ready: true });
  });

  it('tells missing permission from a missing engine', async () => {
    const socket = join(folder, 'docker.sock');
    const server = createServer().listen(socket);
    await once(server, 'listening');
    await chmod(socket, isRoot ? 0o600 : 0o000);
    const ran = await doctor(['--json'], { DOCKER_HOST: `unix://${socket}` }, isRoot ? 65534 : undefined);
    server.close();
    assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr);
    const engine = finding(diagnosisOf(ran).docker.findings, 'engine');
    assert.match(
      engine?.why ?? '',
      new RegExp(`^no permission for ${socket}: add yourself to the docker group`),
    );
    assert.match(engine?.bring ?? '', /^sudo usermod -aG docker "\$USER"/);
    // What another user would have to do is given as that user types it.
    assert.match(finding(diagnosisOf(ran).docker.findings, 'debootstrap')?.bring ?? '', /^sudo make lab$/);
  });

  it('says what brings debootstrap and the tools of the tests, where there is an apt-get to bring it', async () => {
    const bin = join(folder, 'bin');
    await mkdir(bin);
    await symlink('/bin/sh', join(bin, 'sh'));
    const bare = diagnosisOf(await doctor(['--json'], { ...NOWHERE, PATH: bin }));
    assert.ok(
      bare.machine.every(({ bring }) => bring === undefined),
      JSON.stringify(bare.machine),
    );
    const lacking = finding(bare.docker.findings, 'debootstrap');
    assert.equal(lacking?.state, 'missing');
    if (isRoot) assert.equal(lacking?.bring, undefined);

    await symlink('/bin/true', join(bin, 'apt-get'));
    await symlink('/bin/true', join(bin, 'fio'));
    const { machine, docker } = diagnosisOf(await doctor(['--json'], { ...NOWHERE, PATH: bin }));
    const sudo = isRoot ? '' : 'sudo ';
    const expected = isRoot ? 'apt-get install -y debootstrap' : 'sudo make lab';
    assert.equal(finding(docker.findings, 'debootstrap')?.bring, expected);
    const tools = machine.filter(({ why }) => why.startsWith('not needed to run the lab'));
    // Daemons are looked for where daemons are, whatever PATH says.
    const isThere = (program: string) => program === 'fio' || existsSync(join('/usr/sbin', program));
    const lacked = (await listedTools()).filter(({ program }) => !isThere(program));
    assert.deepEqual(
      tools.map(({ thing }) => thing),
      lacked.map(({ program }) => program),
    );
    assert.ok(lacked.length > 5, 'enough is lacked for this to mean something');
    assert.equal(tools.filter(({ bring }) => bring !== undefined).length, 1, 'one command brings them all');
    const packages = lacked.map(({ pack }) => pack).join(' ');
    assert.equal(tools.at(-1)?.bring, `${sudo}apt-get install -y ${packages}`);
  });
});

/** The lines of test/tools: a package of Debian's, a program of it, what for. */
async function listedTools(): Promise<{ pack: string; program: string }[]> {
  const lines = (await readFile(join(root, 'test/tools'), 'utf8')).split('\n');
  return lines
    .filter((line) => /^[a-z]/.test(line))
    .map((line) => line.split(' '))
    .map(([pack = '', program = '']) => ({ pack, program }));
}
