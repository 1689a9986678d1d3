import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Judgement } from '../checkers/check-all.ts';
import type { History } from '../history/events.ts';
import { historyFiles, runFiles } from '../history/paths.ts';
import { runPage } from './run-page.ts';
import { scenarioPage } from './scenario-page.ts';
import type { RunSummary } from './summary.ts';

/** What a report says besides the history and its judgement. */
interface About {
  /** What kept the scenario from being run to its end. */
  trouble?: string | undefined;
  /** Folder of the run that it belongs to. */
  runDirectory?: string | undefined;
}

/** Writes `report.html` beside the history of one scenario; answers its path. Rejects when it cannot be written. */
export async function writeScenarioReport(
  directory: string,
  history: History,
  judgement: Judgement,
  { trouble, runDirectory }: About = {},
): Promise<string> {
  const path = join(directory, historyFiles.report);
  const run =
    runDirectory === undefined ? undefined : relative(directory, join(runDirectory, runFiles.report));
  await writeFile(path, await scenarioPage(history, judgement, trouble, run));
  return path;
}

/** Writes `report.html` beside the summary of a run, into `directory`, wherever the run was made; answers its path. */
export async function writeRunReport(directory: string, summary: RunSummary): Promise<string> {
  const path = join(directory, runFiles.report);
  await writeFile(path, await runPage(summary));
  return path;
}
