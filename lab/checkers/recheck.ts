import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ScenarioRecord } from '../history/events.ts';
import { loadHistory } from '../history/load.ts';
import { historyFiles } from '../history/paths.ts';
import { checkAll, type Judgement } from './check-all.ts';

export interface Rechecked {
  record: ScenarioRecord;
  directory: string;
  judgement: Judgement;
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
    rechecked.push({ record: history.scenario, directory, judgement: checkAll(history) });
  }
  return rechecked;
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
    // A repeated run has a folder per round.
    if (/^round-\d+$/.test(name)) found.push(...(await scenarioFolders(folder)));
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
