import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { projectRoot } from '../lab/engines/programs.ts';
import { askAgent } from '../src/commands/agent-endpoint.ts';
import type { Bench } from './report.ts';
import { startGate } from './servers.ts';

const SECONDS = 20;
const CLOCK_TICKS_PER_SECOND = 100; // sysconf(_SC_CLK_TCK) on Linux

/** What a standby costs its server at T = 100 ms, as the JavaScript that is published: share of a core, resident memory. */
export async function run(bench: Bench): Promise<void> {
  const folder = await bench.folder();
  const dist = join(folder, 'dist');
  const tsc = join(projectRoot, 'node_modules/typescript/bin/tsc');
  await execa(process.execPath, [
    tsc,
    '--project',
    join(projectRoot, 'tsconfig.build.json'),
    '--outDir',
    dist,
  ]);
  await execa('ln', ['-s', join(projectRoot, 'node_modules'), join(projectRoot, 'package.json'), dist]);
  const program = join(dist, 'src/commands/main.js');
  const gate = await startGate(folder, 65_536, bench.signal);
  const timings = ['--interval-ms', '100', '--deadline-ms', '60'];
  await execa(process.execPath, [program, 'init', gate.uri('quorum'), '--nodes', 'a,b,c', ...timings]);
  const agents = await Promise.all(
    ['a', 'b', 'c'].map((node) => startAgent(bench, program, folder, node, gate.uri('quorum'))),
  );
  const standby = await firstStandby(agents);
  const before = await cpuSeconds(standby.pid);
  await delay(SECONDS * 1000);
  const share = ((await cpuSeconds(standby.pid)) - before) / SECONDS;
  bench.title(`a standby at T = 100 ms over ${SECONDS} s, with its guard`);
  bench.row('', 'figure', 'target');
  bench.row('share of a core, agent', `${(share * 100).toFixed(2)} %`, '0.5 %');
  bench.row('resident memory, agent', `${await residentMiB(standby.pid)} MiB`, '80 MiB');
  if (standby.guardPid !== undefined)
    bench.row('resident memory, guard', `${await residentMiB(standby.guardPid)} MiB`);
}

/** Starts the agent of `node` in `folder`; its journal goes to a file, as under a service manager. */
async function startAgent(
  bench: Bench,
  program: string,
  folder: string,
  node: string,
  quorum: string,
): Promise<string> {
  const config = join(folder, `${node}.yaml`);
  const status = `unix:${join(folder, `${node}.sock`)}`;
  const data = quorum.replace('/quorum?', '/?');
  const service = { command: ['sleep', '1000'] };
  await writeFile(
    config,
    stringify({ node, quorum, data, service, status, state: join(folder, `${node}-state`) }),
  );
  // With the flags that bin/arbiter gives an agent.
  void execa(
    process.execPath,
    ['--max-semi-space-size=1', '--v8-pool-size=1', program, 'run', '-c', config],
    {
      ...{ cancelSignal: bench.signal, reject: false, forceKillAfterDelay: 2000 },
      stdout: { file: join(folder, `${node}.jsonl`) },
      stderr: 'inherit',
    },
  );
  return status;
}

async function firstStandby(
  addresses: readonly string[],
): Promise<{ pid: number; guardPid: number | undefined }> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const told = await Promise.all(addresses.map(askAgent));
    const known = told.filter((each) => typeof each !== 'string');
    const standby = known.find(({ role }) => role === 'standby');
    if (standby !== undefined && known.some(({ serving }) => serving)) {
      return { pid: standby.pids.agent, guardPid: standby.pids.guard ?? undefined };
    }
    await delay(50);
  }
  throw new Error('no agent came to stand by beside an active one within 10 s');
}

/** User and system time of a process so far: fields 14 and 15 of /proc/PID/stat, proc(5). */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}
