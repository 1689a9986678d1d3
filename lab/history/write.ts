import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { History } from './events.ts';
import { historyFiles, journalFile } from './paths.ts';

/** One line of a history file. */
export function jsonLine(line: object): string {
  return `${JSON.stringify(line)}\n`;
}

/** Lays a history out in `dir`, as a run would have left it: for histories that were made by hand or cut down. */
export async function saveHistory(
  dir: string,
  history: Omit<History, 'dir' | 'unreadable' | 'torn'>,
): Promise<void> {
  await mkdir(dir, { recursive: true });
  const put = (file: string, content: string | Uint8Array) => writeFile(join(dir, file), content);
  await put(historyFiles.scenario, `${JSON.stringify(history.scenario, null, 2)}\n`);
  await put(historyFiles.lab, history.lab.map(jsonLine).join(''));
  await put(historyFiles.client, history.client.map(jsonLine).join(''));
  await put(historyFiles.audit, history.audit.map(jsonLine).join(''));
  for (const [server, lines] of history.journals)
    await put(journalFile(server), lines.map(jsonLine).join(''));
  if (history.data !== undefined) await put(historyFiles.data, history.data);
  if (history.quorum !== undefined) await put(historyFiles.quorum, history.quorum);
}
