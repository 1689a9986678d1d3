import type { WorldLine } from './engine.ts';

/** One line of standard output of a member of the lab. What is not a JSON object with a time is noise, and is kept. */
export function parseWorldLine(who: string, text: string): WorldLine {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return { from: 'noise', who, text };
  }
  if (typeof line !== 'object' || line === null || typeof (line as { t?: unknown }).t !== 'number') {
    return { from: 'noise', who, text };
  }
  if (who === 'storage') return { from: 'storage', line } as WorldLine;
  if (who === 'client') return { from: 'client', line } as WorldLine;
  return { from: 'server', server: who, line } as WorldLine;
}
