import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkAll } from '../checkers/check-all.ts';
import { foldersAbove, scenarioFolders } from '../checkers/recheck.ts';
import { loadHistory } from '../history/load.ts';
import { runFiles } from '../history/paths.ts';
import { savedTrouble } from '../history/run-record.ts';
import type { RunSummary } from './summary.ts';
import { writeRunReport, writeScenarioReport } from './write.ts';

/**
 * Writes the reports of a saved run anew, wherever its folder is by now: each scenario judged again, and the run as its
 * summary tells it. Answers the paths, the run's own first; empty when there is no scenario in the folder. Rejects when
 * a scenario.json or summary.json is damaged, or a report cannot be written.
 */
export async function writeReports(directory: string): Promise<string[]> {
  const written: string[] = [];
  const summary = await savedSummary(directory);
  if (summary !== undefined) written.push(await writeRunReport(directory, summary));
  for (const folder of await scenarioFolders(directory)) {
    const history = await loadHistory(folder);
    const about = { trouble: await savedTrouble(folder), runDirectory: await runOf(folder) };
    written.push(await writeScenarioReport(folder, history, checkAll(history), about));
  }
  return written;
}

/** The run that a scenario's folder lies in; undefined for a lab by hand. */
async function runOf(folder: string): Promise<string | undefined> {
  for (const above of foldersAbove(folder)) {
    if ((await savedSummary(above)) !== undefined) return above;
  }
  return undefined;
}

/** Undefined for the folder of a scenario, and of a run that was interrupted before it had one. */
async function savedSummary(directory: string): Promise<RunSummary | undefined> {
  const path = join(directory, runFiles.summary);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    // Version 1 knew of one storage alone.
    const { storage, ...summary } = JSON.parse(text) as RunSummary & { storage?: string };
    return { ...summary, storages: summary.storages ?? [storage ?? ''] };
  } catch (cause) {
    throw new Error(`${path}: no summary of a run: ${(cause as Error).message}`, { cause });
  }
}
