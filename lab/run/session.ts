import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkAll, type Judgement } from '../checkers/check-all.ts';
import type { Engine, World } from '../engines/engine.ts';
import type { StorageKind } from '../engines/storage.ts';
import type { LabEvent, ScenarioRecord } from '../history/events.ts';
import { loadHistory } from '../history/load.ts';
import { historyFiles } from '../history/paths.ts';
import { worldSpec } from './defaults.ts';
import { ExpectationMissed } from './expectations.ts';
import type { Lab } from './lab.ts';
import { openWorld, shutDown } from './open-world.ts';
import { Recorder } from './recorder.ts';
import type { ScenarioDefinition } from './scenario.ts';

export interface SessionContext {
  engine: Engine;
  storage: StorageKind;
  /** Folder of the run; the scenario gets one of its own in it. */
  runDirectory: string;
  seed: number;
  /** Aborted by an interrupt: the scenario ends, and nothing of it is left behind. */
  signal: AbortSignal;
  onEvent(event: LabEvent): void;
}

export interface ScenarioOutcome {
  record: ScenarioRecord;
  directory: string;
  judgement: Judgement;
  seconds: number;
  /** What kept the scenario from being run to its end; the verdict is then at best unknown. */
  trouble: string | undefined;
  /** What it did not get to see and broke off at: never as expected, whatever a canary was found out by. */
  brokeOff: string | undefined;
}

/** Runs one scenario in a world of its own: up, hurt, heal, collect, judge. */
export async function runScenario(
  definition: ScenarioDefinition,
  context: SessionContext,
): Promise<ScenarioOutcome> {
  const began = performance.now();
  const directory = join(context.runDirectory, definition.name);
  await mkdir(directory, { recursive: true });
  const record = scenarioRecord(definition, context);
  await writeFile(join(directory, historyFiles.scenario), JSON.stringify(record, null, 2) + '\n');
  const recorder = await Recorder.open(directory, context.onEvent);
  let trouble: string | undefined;
  let brokeOff: string | undefined;
  try {
    await inWorld(definition, context, directory, recorder);
  } catch (error) {
    if (context.signal.aborted) throw error;
    if (error instanceof ExpectationMissed) brokeOff = error.message;
    else trouble = (error as Error).message;
  } finally {
    await recorder.close();
  }
  const judgement = checkAll(await loadHistory(directory));
  await writeFile(
    join(directory, historyFiles.verdict),
    JSON.stringify({ ...judgement, trouble, brokeOff }, null, 2) + '\n',
  );
  return { record, directory, judgement, trouble, brokeOff, seconds: (performance.now() - began) / 1000 };
}

function scenarioRecord(definition: ScenarioDefinition, context: SessionContext): ScenarioRecord {
  const { options } = definition;
  return {
    name: definition.name,
    claim: definition.claim,
    file: definition.file,
    engine: context.engine.name,
    storage: context.storage,
    seed: context.seed,
    expected: options.expect ?? 'valid',
    violatedBy: options.violatedBy ?? [],
    mayViolate: options.mayViolate ?? [],
    atLeast: { acknowledged: 20, takeovers: options.breaks ?? 0, ...options.atLeast },
  };
}

async function inWorld(
  definition: ScenarioDefinition,
  context: SessionContext,
  directory: string,
  recorder: Recorder,
): Promise<void> {
  const { seed, storage } = context;
  const spec = worldSpec(definition.options, { dir: directory, seed, storage });
  const opened = await openWorld(definition.name, spec, context.engine, recorder, context.signal);
  try {
    await orAborted(context.signal, perform(definition, opened.world, opened.lab, recorder));
  } finally {
    await opened.close();
  }
}

/** The scenario itself, then what every scenario ends with; the disks are collected whatever came of it. */
async function perform(
  definition: ScenarioDefinition,
  world: World,
  lab: Lab,
  recorder: Recorder,
): Promise<void> {
  try {
    if (definition.options.startsItself !== true) await lab.start(...lab.servers);
    await world.startClient();
    await definition.body(lab);
    await lab.finish();
  } catch (error) {
    recorder.event({ event: 'note', text: (error as Error).message });
    throw error;
  } finally {
    await shutDown(world, lab.servers);
  }
}

async function orAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => {}); // an abandoned scenario may still fail, and nobody is left to hear it
  signal.throwIfAborted();
  let abandon: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abandon = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abandon, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}
