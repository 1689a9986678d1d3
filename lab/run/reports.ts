import { loadHistory } from '../history/load.ts';
import type { RunSummary } from '../report/summary.ts';
import { writeRunReport, writeScenarioReport } from '../report/write.ts';
import type { ScenarioOutcome } from './session.ts';

/**
 * Writes the run's report.html and one for each of `outcomes`. Called when no scenario runs, for it keeps the processor
 * busy. Never rejects: what cannot be written is told to `onTrouble` in one line, and the verdicts stand.
 */
export async function writeReportsOf(
  summary: RunSummary,
  outcomes: readonly ScenarioOutcome[],
  onTrouble: (line: string) => void,
): Promise<void> {
  const trying = async (what: string, write: () => Promise<string>) => {
    await write().catch((error: Error) => onTrouble(`no report was written for ${what}: ${error.message}`));
  };
  for (const { record, directory, judgement, trouble } of outcomes) {
    await trying(record.name, async () =>
      writeScenarioReport(directory, await loadHistory(directory), judgement, {
        trouble,
        runDirectory: summary.directory,
      }),
    );
  }
  await trying('the run', () => writeRunReport(summary.directory, summary));
}
