import { readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import type { ScenarioRecord } from '../history/events.ts';
import { loadHistory } from '../history/load.ts';
import { historyFiles, isFolderOfRun, runFiles } from '../history/paths.ts';
import { listedScenarios, savedTrouble } from '../history/run-record.ts';
import { checkAll, type Judgement } from './check-all.ts';

export interface Rechecked {
  record: ScenarioRecord;
  directory: string;
  judgement: Judgement;
  /** What kept the scenario from being run to its end: such a one is never as expected, whatever was found. */
  trouble: string | undefined;
}

/**
 * Judges every scenario of a run again, from its files alone and without writing any: `runDirectory` is the folder of
 * a run, of one round or of one scenario. In order of their names; empty when there is none. Rejects when the folder cannot be read
 * or a scenario.json in it is damaged.
 */
export async function recheck(runDirectory: string): Promise<Rechecked[]> {
  const rechecked: Rechecked[] = [];
  for (const directory of await scenarioFolders(runDirectory)) {
    const history = await loadHistory(directory);
    const trouble = await savedTrouble(directory);
    rechecked.push({ record: history.scenario, directory, judgement: checkAll(history), trouble });
  }
  return rechecked;
}

/**
 * What a run's summary tells of and its folder lacks, or the other way round, each in a sentence: a verdict on a part
 * of a run is none on the run. Empty for the folder of one scenario or round, which has no summary of its own.
 */
export async function missingIn(runDirectory: string): Promise<string[]> {
  if (await isScenario(runDirectory)) return [];
  const listed = await listedScenarios(runDirectory);
  if (listed === undefined) {
    const isPart = await Promise.all(foldersAbove(runDirectory).map(listedScenarios));
    return isPart.some((above) => above !== undefined)
      ? []
      : [`${runFiles.summary} is missing or damaged: nothing tells which scenarios were run`];
  }
  const found = (await scenarioFolders(runDirectory)).map((folder) => relative(runDirectory, folder));
  const gone = listed.filter((folder) => !found.includes(folder));
  const stray = found.filter((folder) => !listed.includes(folder));
  return [
    ...gone.map(
      (folder) => `${folder} was run, by ${runFiles.summary}, and its folder has no ${historyFiles.scenario}`,
    ),
    ...stray.map(
      (folder) =>
        `${folder} is there, and ${runFiles.summary} does not tell of it: the run was interrupted, or it is of another`,
    ),
  ];
}

/** Where the run may be that a folder of a round, of a storage, or of one scenario lies in. */
export function foldersAbove(directory: string): string[] {
  const parent = dirname(resolve(directory));
  return [parent, dirname(parent), dirname(dirname(parent))];
}

/** The folders of scenarios in the folder of a run, of one round or of one scenario, in order of their names. */
export async function scenarioFolders(directory: string): Promise<string[]> {
  if (await isScenario(directory)) return [directory];
  const entries = await readdir(directory, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`${directory}: cannot be read: ${cause.code ?? cause.message}`, { cause });
  });
  const found: string[] = [];
  for (const { name } of entries.filter((entry) => entry.isDirectory()).sort(byNumber)) {
    const folder = join(directory, name);
    // A repeated run has a folder per round, and one over several storages a folder for each of them.
    if (isFolderOfRun(name)) found.push(...(await scenarioFolders(folder)));
    else if (await isScenario(folder)) found.push(folder);
  }
  return found;
}

function byNumber(a: { name: string }, b: { name: string }): number {
  return a.name.localeCompare(b.name, 'en', { numeric: true });
}

async function isScenario(directory: string): Promise<boolean> {
  return stat(join(directory, historyFiles.scenario)).then(
    (found) => found.isFile(),
    () => false,
  );
}
