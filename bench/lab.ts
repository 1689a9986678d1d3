import { execa } from 'execa';
import { projectRoot } from '../lab/engines/programs.ts';
import { detectEngine } from '../lab/engines/detect.ts';
import type { Bench } from './report.ts';
import { openBenchWorld } from './worlds.ts';
import { join } from 'node:path';

const STARTS = 3;

/** How long a person waits: all scenarios on processes, and a lab of three servers until one serves, warm. */
export async function run(bench: Bench): Promise<void> {
  bench.title('what a person waits for, warm');
  bench.row('', 'seconds', 'target');
  await openAndServe(bench, 'process', 1);
  for (const engine of await engines()) {
    const seconds = await openAndServe(bench, engine, STARTS);
    bench.row(
      `three servers to an active one, ${engine}`,
      seconds.toFixed(2),
      engine === 'docker' ? '3' : '',
    );
  }
  const beganAt = performance.now();
  const ran = await execa(
    process.execPath,
    [join(projectRoot, 'lab/main.ts'), 'run', '--engine', 'process', '--json'],
    {
      ...{ reject: false, stderr: 'ignore', env: { LAB_RUNS: await bench.folder() } },
    },
  );
  const seconds = (performance.now() - beganAt) / 1000;
  bench.row(
    `all scenarios on processes${ran.exitCode === 0 ? '' : ` (exit code ${ran.exitCode}!)`}`,
    seconds.toFixed(0),
    '90',
  );
}

async function engines(): Promise<('process' | 'docker')[]> {
  const { engine } = await detectEngine(undefined);
  return engine === 'docker' ? ['process', 'docker'] : ['process'];
}

/** The shortest of so many starts, in seconds: from nothing to a service that was started. */
async function openAndServe(bench: Bench, engine: 'process' | 'docker', starts: number): Promise<number> {
  let best = Infinity;
  for (let start = 0; start < starts; start++) {
    const beganAt = performance.now();
    const opened = await openBenchWorld(bench, engine, 3);
    try {
      await opened.lab.start(...opened.lab.servers);
      await opened.lab.activeServer();
      best = Math.min(best, (performance.now() - beganAt) / 1000);
    } finally {
      await opened.close();
      await opened.recorder.close();
    }
  }
  return best;
}
