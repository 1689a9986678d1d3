import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Mocha from 'mocha';
import type { Engine } from '../engines/engine.ts';
import type { StorageKind } from '../engines/storage.ts';
import { InfrastructureError } from '../errors.ts';
import type { LabEvent } from '../history/events.ts';
import { runFiles, storageFolder } from '../history/paths.ts';
import { junit } from '../report/junit.ts';
import { cameOutAsExpected, type RunSummary, summarize } from '../report/summary.ts';
import { type Job, jobsOf, leftOut } from './jobs.ts';
import { writeReportsOf } from './reports.ts';
import { openRunFolder, pointLatestTo } from './run-folder.ts';
import { runScenariosWith, type ScenarioDefinition, scenarios } from './scenario.ts';
import { runScenario, type ScenarioOutcome } from './session.ts';
import { SideBySide } from './side-by-side.ts';

export interface RunOptions {
  engine: Engine;
  /** Every scenario is run over each of them that it means something on. */
  storages: readonly StorageKind[];
  files: readonly string[];
  /** The files were asked for by name: one that means nothing on any of the storages is an error then. */
  named: boolean;
  seed: number;
  repeat: number;
  /** Goes on repeating until a scenario comes out otherwise than expected. */
  untilFail: boolean;
  onFailure: 'continue' | 'stop';
  /** How many scenarios may run at the same time, each in a world of its own. */
  parallel: number;
  signal: AbortSignal;
  /** It means nothing on any of the storages. */
  onLeftOut(definition: ScenarioDefinition): void;
  /** The run's folder is there. */
  onFolder(directory: string): void;
  onScenario(job: Job, round: number): void;
  onEvent(event: LabEvent): void;
  onOutcome(outcome: ScenarioOutcome): void;
  /** Something besides the scenarios went wrong, in one line. */
  onTrouble(line: string): void;
}

class ScenarioFailed extends Error {}

/** Runs scenarios, each in a world of its own, and writes the run's folder. What is told of them is told in their order. */
export async function runScenarios(options: RunOptions): Promise<RunSummary> {
  const mocha = await load(options);
  const jobs = jobsOf(scenarios, options.storages, options.named);
  for (const definition of leftOut(scenarios, jobs)) options.onLeftOut(definition);
  const runDirectory = await openRunFolder();
  options.onFolder(runDirectory);
  const outcomes: ScenarioOutcome[] = [];
  for (let round = 1; round <= options.repeat || options.untilFail; round++) {
    const directory =
      options.repeat > 1 || options.untilFail ? join(runDirectory, `round-${round}`) : runDirectory;
    await mkdir(directory, { recursive: true });
    const before = outcomes.length;
    const ofRound = { ...options, seed: options.seed + round - 1 };
    const failed = await runRound(mocha, jobs, ofRound, directory, round, outcomes);
    await writeRunFiles(runDirectory, outcomes, options);
    if (options.signal.aborted) throw options.signal.reason as Error;
    const soFar = summarize(runDirectory, outcomes, options);
    await writeReportsOf(soFar, outcomes.slice(before), options.onTrouble);
    if (failed && (options.untilFail || options.onFailure === 'stop')) break;
  }
  await pointLatestTo(runDirectory);
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
  jobs: readonly Job[],
  options: RunOptions,
  directory: string,
  round: number,
  outcomes: ScenarioOutcome[],
): Promise<boolean> {
  const folderOf = ({ storage }: Job) =>
    options.storages.length > 1 ? join(directory, storageFolder(storage)) : directory;
  const running = new SideBySide(jobs, options.parallel, (job: Job, say) => {
    const onEvent = (event: LabEvent) => say(() => options.onEvent(event));
    const { definition, storage } = job;
    return runScenario(definition, { ...options, storage, onEvent, runDirectory: folderOf(job) });
  });
  const turn = async (job: Job) => {
    options.signal.throwIfAborted();
    options.onScenario(job, round);
    const outcome = await running.turn(job);
    outcomes.push(outcome);
    options.onOutcome(outcome);
    if (cameOutAsExpected(outcome)) return undefined;
    const failed = new ScenarioFailed(`${job.definition.name} came out ${outcome.judgement.verdict}`);
    if (options.onFailure === 'stop') {
      running.stop(failed);
      throw failed;
    }
    return failed;
  };
  runScenariosWith(async (definition) => {
    let failed: ScenarioFailed | undefined;
    for (const job of jobs.filter((each) => each.definition === definition))
      failed = (await turn(job)) ?? failed;
    if (failed !== undefined) throw failed;
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
