import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { historyFiles, runFiles } from './paths.ts';

/** What kept a scenario from being run to its end, as its verdict tells it; undefined when nothing did. */
export async function savedTrouble(directory: string): Promise<string | undefined> {
  const verdict = await jsonObject(join(directory, historyFiles.verdict));
  const { trouble, brokeOff } = verdict ?? {}; // never judged, as a lab by hand is until it is down
  if (typeof trouble === 'string') return trouble;
  return typeof brokeOff === 'string' ? `broke off: ${brokeOff}` : undefined;
}

/**
 * The folders of the scenarios that a run's summary tells of, relative to the run's own: it may have been moved since.
 * Undefined when there is no summary, or none that tells of scenarios.
 */
export async function listedScenarios(runDirectory: string): Promise<string[] | undefined> {
  const summary = await jsonObject(join(runDirectory, runFiles.summary));
  if (typeof summary?.['directory'] !== 'string' || !Array.isArray(summary['scenarios'])) return undefined;
  const { directory } = summary as { directory: string };
  return (summary['scenarios'] as { directory?: unknown }[]).map((scenario) =>
    relative(directory, String(scenario.directory)),
  );
}

async function jsonObject(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
