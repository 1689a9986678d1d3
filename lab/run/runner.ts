import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Mocha from 'mocha';
import type { Engine } from '../engines/engine.ts';
import type { StorageKind } from '../engines/storage.ts';
import { InfrastructureError } from '../errors.ts';
import type { LabEvent } from '../history/events.ts';
import { runFiles } from '../history/paths.ts';
import { junit } from '../report/junit.ts';
import { cameOutAsExpected, type RunSummary, summarize } from '../report/summary.ts';
import { writeReportsOf } from './reports.ts';
import { roomIn, runsFolder } from './room.ts';
import { runScenariosWith, scenarios, type ScenarioDefinition } from './scenario.ts';
import { runScenario, type ScenarioOutcome } from './session.ts';
import { SideBySide } from './side-by-side.ts';

export interface RunOptions {
  engine: Engine;
  storage: StorageKind;
  files: readonly string[];
  seed: number;
  repeat: number;
  /** Goes on repeating until a scenario comes out otherwise than expected. */
  untilFail: boolean;
  onFailure: 'continue' | 'stop';
  /** How many scenarios may run at the same time, each in a world of its own. */
  parallel: number;
  signal: AbortSignal;
  onScenario(definition: ScenarioDefinition, round: number): void;
  onEvent(event: LabEvent): void;
  onOutcome(outcome: ScenarioOutcome): void;
  /** Something besides the scenarios went wrong, in one line. */
  onTrouble(line: string): void;
}

class ScenarioFailed extends Error {}

/** Runs scenarios, each in a world of its own, and writes the run's folder. What is told of them is told in their order. */
export async function runScenarios(options: RunOptions): Promise<RunSummary> {
  const runDirectory = await openRunDirectory();
  const outcomes: ScenarioOutcome[] = [];
  const mocha = await load(options);
  for (let round = 1; round <= options.repeat || options.untilFail; round++) {
    const directory =
      options.repeat > 1 || options.untilFail ? join(runDirectory, `round-${round}`) : runDirectory;
    await mkdir(directory, { recursive: true });
    const before = outcomes.length;
    const failed = await runRound(
      mocha,
      { ...options, seed: options.seed + round - 1 },
      directory,
      round,
      outcomes,
    );
    await writeRunFiles(runDirectory, outcomes, options);
    if (options.signal.aborted) throw options.signal.reason as Error;
    const soFar = summarize(runDirectory, outcomes, options);
    await writeReportsOf(soFar, outcomes.slice(before), options.onTrouble);
    if (failed && (options.untilFail || options.onFailure === 'stop')) break;
  }
  return summarize(runDirectory, outcomes, options);
}

/** The scenarios as mocha tests, loaded once and run as often as wanted. */
async function load(options: RunOptions): Promise<Mocha> {
  const mocha = new Mocha({ timeout: 0, bail: options.onFailure === 'stop', reporter: Mocha.reporters.Base });
  mocha.cleanReferencesAfterRun(false);
  for (const file of options.files) mocha.addFile(file);
  await mocha.loadFilesAsync();
  return mocha;
}

/** One pass over the scenarios. Says whether any came out otherwise than expected. */
async function runRound(
  mocha: Mocha,
  options: RunOptions,
  directory: string,
  round: number,
  outcomes: ScenarioOutcome[],
): Promise<boolean> {
  const running = new SideBySide(scenarios, options.parallel, (definition, say) => {
    const onEvent = (event: LabEvent) => say(() => options.onEvent(event));
    return runScenario(definition, { ...options, onEvent, runDirectory: directory });
  });
  runScenariosWith(async (definition) => {
    options.signal.throwIfAborted();
    options.onScenario(definition, round);
    const outcome = await running.turn(definition);
    outcomes.push(outcome);
    options.onOutcome(outcome);
    if (cameOutAsExpected(outcome)) return;
    const failed = new ScenarioFailed(`${definition.name} came out ${outcome.judgement.verdict}`);
    if (options.onFailure === 'stop') running.stop(failed);
    throw failed;
  });
  const before = outcomes.length;
  const failures = await new Promise<number>((resolve) => mocha.run(resolve));
  const stoppedBy = await running.over();
  if (stoppedBy !== undefined && !(stoppedBy instanceof ScenarioFailed) && !options.signal.aborted)
    throw stoppedBy;
  if (outcomes.length === before && !options.signal.aborted) {
    throw new InfrastructureError('no scenario was run: ' + options.files.join(', '));
  }
  return failures > 0;
}

async function writeRunFiles(
  runDirectory: string,
  outcomes: readonly ScenarioOutcome[],
  options: RunOptions,
): Promise<void> {
  const summary = summarize(runDirectory, outcomes, options);
  await writeFile(join(runDirectory, runFiles.summary), JSON.stringify(summary, null, 2) + '\n');
  await writeFile(join(runDirectory, runFiles.junit), junit(summary));
}

/** `lab-runs/<time>-<pid>`, and `lab-runs/latest` that points to it. */
async function openRunDirectory(): Promise<string> {
  const runs = runsFolder();
  const id = new Date().toISOString().replace(/[:T]/g, '-').slice(0, 19) + `-${process.pid}`;
  try {
    await mkdir(runs, { recursive: true });
    const room = await roomIn(runs);
    if (!room.enough)
      throw new InfrastructureError(`${room.words}; make room or set LAB_RUNS to another folder`);
    const directory = join(runs, id);
    await mkdir(directory);
    await rm(join(runs, 'latest'), { force: true });
    await symlink(id, join(runs, 'latest'));
    return directory;
  } catch (error) {
    if (error instanceof InfrastructureError) throw error;
    throw new InfrastructureError(`cannot write a run to ${runs}: ${(error as Error).message}`);
  }
}
