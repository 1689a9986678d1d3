import { execa } from 'execa';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { detectEngine } from '../lab/engines/detect.ts';
import { countScenarios, type Counts } from './count-scenarios.ts';
import type { Engine } from '../lab/engines/engine.ts';
import { chooseStorages, type StorageKind } from '../lab/engines/storage.ts';

/**
 * `make test`: everything that can fail, in the order of how soon it says so. Ends with the line
 * `N passed, N failed, N skipped`: the tests and scenarios as their runners counted them, and each check as one.
 */
/**
 * Every scenario runs on each engine over the storages that are its default, so over all. The other way round these are
 * enough: what is behind the gate shows where an owner loses the data area in the middle of a write, and where a storage
 * node starts over what a killed one left.
 */
const storageMatters = ['active-frozen', 'storage-restarted'];
/** Over TLS it is the key that says who a server is: enough to see it let in, and kept out. */
const keysMatter = ['standby-refused', 'handover'];
const node = process.execPath;
const bin = (name: string) => join('node_modules/.bin', name);
const scratch = await mkdtemp(join(tmpdir(), 'arbiter-test-'));
const total: Counts = { passed: 0, failed: 0, skipped: 0 };

const code = ['src', 'lab', 'scenarios', 'test', 'bench'];
await check('format', [bin('prettier'), '--check', '--log-level', 'warn', ...code]);
await check('lint', [bin('oxlint'), '--type-aware', '--deny-warnings', ...code]);
// What runs in a browser has the types of a browser, and no others.
for (const project of ['.', 'lab/report/page', 'lab/report/in-browser'])
  await check(`types in ${project}`, [bin('tsc'), '--noEmit', '-p', project]);
await check('dead code', [bin('knip')]);
await tests('unit, property and interop tests', []);
await scenarios('process', 'nbd');
await scenarios('process', 'nbds', keysMatter);
await onTgt();
await onNbdkit();
await docker();
await rm(scratch, { recursive: true, force: true });

console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

async function check(title: string, argv: string[]): Promise<void> {
  const { exitCode } = await run(title, argv);
  add({ passed: exitCode === 0 ? 1 : 0, failed: exitCode === 0 ? 0 : 1, skipped: 0 });
}

async function tests(title: string, flags: string[]): Promise<void> {
  const report = join(scratch, 'counts.json');
  await rm(report, { force: true });
  const { exitCode } = await run(title, ['test/unit.ts', '--report', report, ...flags]);
  const text = await readFile(report, 'utf8').catch(() => undefined);
  const counts = text === undefined ? { passed: 0, failed: 1, skipped: 0 } : (JSON.parse(text) as Counts);
  // A runner that ended badly has failed, whatever it counted.
  if (exitCode !== 0 && counts.failed === 0) counts.failed = 1;
  add(counts);
}

async function scenarios(
  engine: Engine['name'],
  storage: StorageKind,
  names: readonly string[] = [],
): Promise<void> {
  const argv = ['lab/main.ts', 'run', ...names, '--engine', engine, '--storage', storage, '--json'];
  const { exitCode, stdout } = await run(`scenarios on ${engine}, storage ${storage}`, argv, true);
  add(countScenarios(exitCode, stdout));
}

/** Processes on tgt, where it is installed: every scenario, those included that mean something there alone. */
async function onTgt(): Promise<void> {
  try {
    await chooseStorages('process', ['tgt']);
    await scenarios('process', 'tgt');
  } catch (error) {
    console.log(`\n== skipped: scenarios on process, storage tgt (${(error as Error).message})`);
    add({ passed: 0, failed: 0, skipped: 1 });
  }
}

/** Processes on nbdkit, where it is installed. */
async function onNbdkit(): Promise<void> {
  try {
    await chooseStorages('process', ['nbdkit']);
    await scenarios('process', 'nbdkit', storageMatters);
  } catch (error) {
    console.log(`\n== skipped: scenarios on process, storage nbdkit (${(error as Error).message})`);
    add({ passed: 0, failed: 0, skipped: storageMatters.length });
  }
}

/** On Docker too where an engine answers. `LAB_ENGINE=docker` turns a missing engine into a failure, not a skip. */
async function docker(): Promise<void> {
  const wanted = process.env['LAB_ENGINE'] === 'docker' ? 'docker' : undefined;
  try {
    const { engine, why } = await detectEngine(wanted);
    if (engine === 'docker') {
      await tests('tests that need a Docker engine', ['--docker']);
      await scenarios('docker', 'nbdkit');
      await scenarios('docker', 'tgt');
      return await scenarios('docker', 'nbd', storageMatters);
    }
    console.log(`\n== skipped: scenarios on docker (${why})`);
    add({ passed: 0, failed: 0, skipped: 1 });
  } catch (error) {
    console.log(`\n== failed: scenarios on docker: ${(error as Error).message}`);
    add({ passed: 0, failed: 1, skipped: 0 });
  }
}

async function run(
  title: string,
  argv: string[],
  keepStdout = false,
): Promise<{ exitCode: number; stdout: string }> {
  console.log(`\n== ${title}`);
  const ran = await execa(node, ['--disable-warning=ExperimentalWarning', ...argv], {
    reject: false,
    stdin: 'ignore',
    stdout: keepStdout ? 'pipe' : 'inherit',
    stderr: 'inherit',
  });
  return { exitCode: ran.exitCode ?? 1, stdout: typeof ran.stdout === 'string' ? ran.stdout : '' };
}

function add(counts: Counts): void {
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}
