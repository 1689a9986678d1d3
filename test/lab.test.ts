import assert from 'node:assert/strict';
import { execa } from 'execa';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { marked, type MarkedProcess } from '../lab/engines/process/marked-processes.ts';
import { lab, root, says } from './lab-program.ts';

/** One storage, whatever else is installed. */
const overNbd = ['--storage', 'nbd'];

describe('the lab program', function () {
  this.timeout(120_000);
  let runs: string;
  beforeEach(async () => (runs = await mkdtemp(join(tmpdir(), 'lab-test-'))));
  afterEach(() => rm(runs, { recursive: true, force: true }));

  it('runs a scenario, says on which engine and why in its first line, and leaves a folder that is judged the same again', async () => {
    const ran = await lab(['run', 'active-killed', ...overNbd], { LAB_RUNS: runs });
    assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr);
    assert.match(ran.stdout.split('\n')[0]!, /^engine: process \(as asked for\); storage: nbd$/);
    assert.match(ran.stdout, /took over from server-\d \(epoch \d+\), serving after \d+ ms/);
    assert.ok(
      ran.stdout.split('\n').every((line) => line.length <= 80 || !line.trim().includes(' ')),
      ran.stdout,
    );

    const folder = join(runs, 'latest');
    const summary = JSON.parse(await readFile(join(folder, 'summary.json'), 'utf8'));
    assert.equal(summary.scenarios[0].verdict, 'valid');
    assert.ok(summary.scenarios[0].failovers[0].faultToServingMs > 0);
    assert.match(await readFile(join(folder, 'junit.xml'), 'utf8'), /tests="1" failures="0" errors="0"/);

    // From a copy, so that nothing but the folder can have been read.
    const copy = join(runs, 'copy');
    await cp(folder, copy, { recursive: true, dereference: true });
    const again = await lab(['recheck', copy, '--json']);
    assert.equal(again.exitCode, 0, again.stderr);
    const told = JSON.parse(await readFile(join(folder, 'active-killed/verdict.json'), 'utf8'));
    const [rechecked] = JSON.parse(again.stdout);
    assert.deepEqual(rechecked.judgement.results, told.results);
    assert.equal(rechecked.judgement.verdict, told.verdict);

    // The reports are there, and those of the copy can be written anew.
    assert.match(ran.stdout, /^report: .*report\.html$/m);
    const reports = ['report.html', 'active-killed/report.html'].map((path) => join(copy, path));
    for (const path of reports) await rm(path);
    const made = await lab(['report', copy]);
    assert.equal(made.exitCode, 0, made.stderr);
    assert.deepEqual(
      made.stdout.split('\n').map((path) => resolve(root, path)),
      reports,
    );
    for (const path of reports)
      assert.match(await readFile(path, 'utf8'), /bin\/lab run active-killed --engine process/);
  });

  it('judges a run otherwise when its evidence was changed: an acknowledged append that is not in the log', async () => {
    await lab(['run', 'standby-refused', ...overNbd], { LAB_RUNS: runs });
    const client = join(runs, 'latest/standby-refused/client.jsonl');
    const text = await readFile(client, 'utf8');
    const [first] = text.split('\n').filter((line) => line.includes('"end"'));
    await writeFile(client, text + first!.replace(/"id":"[^"]*"/, '"id":"1-9-999"') + '\n');
    const again = await lab(['recheck', join(runs, 'latest')]);
    assert.equal(again.exitCode, 1, again.stdout);
    assert.match(again.stdout, /append 1-9-999 was acknowledged/);
  });

  it('runs beside another lab', async () => {
    const both = ['a', 'b'].map(async (name) => {
      await mkdir(join(runs, name));
      return lab(['run', 'standby-refused', ...overNbd], { LAB_RUNS: join(runs, name) });
    });
    for (const ran of await Promise.all(both)) assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr);
  });

  it('leaves no process and no folder behind when it is interrupted', async () => {
    const running = lab(['run', 'active-killed', ...overNbd], { LAB_RUNS: runs });
    await says(running, /kill server-\d effective/);
    const mine = await processesOf(running.pid!);
    assert.ok(mine.length >= 5, `only ${mine.length} processes were there to be left`);
    running.kill('SIGINT');
    const ended = await running;
    assert.equal(ended.exitCode, 130, ended.stderr);
    assert.match(ended.stderr, /lab: interrupted; everything it started has been ended/);
    assert.deepEqual(await processesOf(running.pid!), []);
    assert.deepEqual(await foldersOf(running.pid!), []);
  });

  it('leaves nothing behind when it is interrupted while it brings a lab up by hand', async () => {
    const registry = join(runs, 'run');
    await mkdir(registry);
    const running = lab(['up', '--storage', 'nbd'], { LAB_RUNS: runs, XDG_RUNTIME_DIR: registry });
    await says(running, /^engine: process/);
    running.kill('SIGINT');
    const ended = await running;
    assert.equal(ended.exitCode, 130, ended.stdout + ended.stderr);
    assert.deepEqual(await readdir(runs), ['run']);
    const told = await lab(['status'], { XDG_RUNTIME_DIR: registry });
    assert.match(told.stderr, /no lab is up/);
  });

  it('is ended by its reaper when it is killed', async () => {
    const running = lab(['run', 'active-killed', ...overNbd], { LAB_RUNS: runs });
    await says(running, /kill server-\d effective/);
    const { pid } = running;
    running.kill('SIGKILL');
    await running;
    for (let i = 0; i < 200 && (await processesOf(pid!)).length + (await foldersOf(pid!)).length > 0; i++)
      await delay(50);
    assert.deepEqual(await processesOf(pid!), []);
    assert.deepEqual(await foldersOf(pid!), []);
  });
});

describe('the lab program, given what it cannot use', function () {
  this.timeout(60_000);
  const wrong: { argv: string[]; env?: Record<string, string>; exitCode: number; says: RegExp }[] = [
    { argv: ['run', 'nothing'], exitCode: 64, says: /no scenario is called nothing; there are: active-/ },
    {
      argv: ['run', '--engine', 'vm'],
      exitCode: 64,
      says: /^lab: option .*'vm' is invalid.*docker, process/s,
    },
    {
      argv: ['run', '--repeat', 'many'],
      exitCode: 64,
      says: /--repeat many: expected a whole number from 1/,
    },
    { argv: ['explode'], exitCode: 64, says: /unknown command 'explode'/ },
    {
      argv: ['recheck', '/nowhere'],
      exitCode: 64,
      says: /\/nowhere: no such folder; runs are kept in lab-runs/,
    },
    { argv: ['report', '/nowhere'], exitCode: 64, says: /\/nowhere: no such folder/ },
    {
      argv: ['report', 'images'],
      exitCode: 64,
      says: /images: no scenario\.json in it or in its folders: not a run/,
    },
    { argv: ['status', '--lab', 'none'], exitCode: 64, says: /no lab none is up/ },
    {
      argv: ['run', 'active-killed', '--engine', 'docker'],
      env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' },
      exitCode: 3,
      says: /no Docker engine: .*\/nowhere\/docker\.sock/,
    },
    {
      argv: ['run', 'active-killed'],
      env: { LAB_RUNS: '/dev/null/runs' },
      exitCode: 3,
      says: /cannot write a run to \/dev\/null\/runs: ENOTDIR/,
    },
  ];
  for (const { argv, env, exitCode, says } of wrong) {
    it(`says so in one line: lab ${argv.join(' ')}${env === undefined ? '' : ` with ${JSON.stringify(env)}`}`, async () => {
      const ran = await lab(argv, { XDG_RUNTIME_DIR: tmpdir(), ...env });
      assert.equal(ran.exitCode, exitCode, ran.stderr);
      assert.match(ran.stderr, says);
    });
  }

  it('says how much room a run needs when there is too little, and leaves nothing behind', async function () {
    const small = await mkdtemp(join(tmpdir(), 'lab-small-'));
    const mounted = await execa('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', small], { reject: false });
    if (mounted.exitCode !== 0) {
      await rm(small, { recursive: true });
      console.log(`      skipped: no small file system (root mounts one): ${mounted.stderr}`);
      this.skip();
    }
    try {
      const ran = await lab(['run', 'active-killed', ...overNbd], { LAB_RUNS: small });
      assert.equal(ran.exitCode, 3, ran.stderr);
      assert.match(ran.stderr, /^lab: a run needs 128 MiB and .* has \d MiB free; make room or set LAB_RUNS/);
      assert.deepEqual(await readdir(small), []);
    } finally {
      await execa('umount', [small]);
      await rm(small, { recursive: true });
    }
  });
});

/** What a lab whose controller was `pid` has running. */
async function processesOf(pid: number): Promise<MarkedProcess[]> {
  return (await marked('')).filter((process) => process.owner?.pid === pid);
}

async function foldersOf(pid: number): Promise<string[]> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith('arbiter-lab-p-'));
  const owners = names.map((name) => readFile(join(tmpdir(), name, 'owner'), 'utf8').catch(() => ''));
  const told = await Promise.all(owners);
  return names.filter((_, i) => told[i]!.split(' ')[3] === String(pid));
}
