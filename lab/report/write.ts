import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Judgement } from '../checkers/check-all.ts';
import type { History } from '../history/events.ts';
import { historyFiles, runFiles } from '../history/paths.ts';
import { runPage } from './run-page.ts';
import { scenarioPage } from './scenario-page.ts';
import type { RunSummary } from './summary.ts';

/** Writes `report.html` beside the history of one scenario; answers its path. Rejects when it cannot be written. */
export async function writeScenarioReport(
  directory: string,
  history: History,
  judgement: Judgement,
  trouble?: string,
): Promise<string> {
  const path = join(directory, historyFiles.report);
  await writeFile(path, await scenarioPage(history, judgement, trouble));
  return path;
}

/** Writes `report.html` beside the summary of a run, into `directory`, wherever the run was made; answers its path. */
export async function writeRunReport(directory: string, summary: RunSummary): Promise<string> {
  const path = join(directory, runFiles.report);
  await writeFile(path, await runPage(summary));
  return path;
}
