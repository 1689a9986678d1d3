import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditLine } from '../../src/ports/audit.ts';
import type { JournalLine } from '../../src/ports/journal.ts';
import type { ClientEvent, History, LabEvent } from './events.ts';
import { auditShapes, clientShapes, type FieldKind, journalShapes, labShapes } from './line-shapes.ts';
import { historyFiles, journalFile } from './paths.ts';
import { excerpt, type LinesRead, readLines } from './read-lines.ts';
import { loadScenario } from './scenario-record.ts';

const TIMED = { t: 'number', event: 'string' } as const;
const AUDIT = { ...TIMED, v: 'number', n: 'number' } as const;
const JOURNAL = { ...AUDIT, wall: 'string', node: 'string', incarnation: 'string' } as const;

/**
 * The history in the folder of one scenario. Rejects only when there is no scenario to judge (`scenario.json`); all
 * else that is missing or cannot be read is told in `unreadable`, and such a history is never valid. A line that
 * breaks off is tolerated once for each time its writer was killed, and told in `torn`.
 */
export async function loadHistory(dir: string): Promise<History> {
  const scenario = await loadScenario(dir);
  const unreadable: string[] = [];
  const lab = await loadLines<LabEvent>(dir, historyFiles.lab, TIMED, labShapes);
  const client = await loadLines<ClientEvent>(dir, historyFiles.client, TIMED, clientShapes);
  const audit = await loadLines<AuditLine>(dir, historyFiles.audit, AUDIT, auditShapes);
  const journals = new Map<string, LinesRead<JournalLine>>();
  for (const server of serversOf(lab.lines)) {
    journals.set(server, await loadLines<JournalLine>(dir, journalFile(server), JOURNAL, journalShapes));
  }

  const brokenOff = new BrokenOff(lab.lines);
  const members: [string, LinesRead<unknown>][] = [
    ['lab', lab],
    ['client', client],
    ['storage', audit],
    ...journals,
  ];
  for (const [who, read] of members) {
    unreadable.push(...read.unreadable);
    if (read.torn !== undefined) brokenOff.add(who, read.torn);
  }
  for (const [who, text] of await loadNoise(dir))
    brokenOff.add(who, `${historyFiles.noise}: ${who}: ${excerpt(text)}`);
  if (lab.lines[0]?.event !== 'lab-started')
    unreadable.push(`${historyFiles.lab} does not begin with lab-started`);
  else
    for (const file of await strayJournals(dir, [...journals.keys()]))
      unreadable.push(`${file} is of no server that the lab tells of`);

  return {
    dir,
    scenario,
    client: client.lines,
    lab: lab.lines,
    journals: new Map([...journals].map(([server, read]) => [server, read.lines])),
    audit: audit.lines,
    data: await loadBytes(dir, historyFiles.data),
    quorum: await loadBytes(dir, historyFiles.quorum),
    unreadable: [...unreadable, ...brokenOff.intolerable],
    torn: brokenOff.tolerated,
  };
}

/** Sorts lines that break off into those a kill explains and the rest. */
class BrokenOff {
  readonly tolerated: string[] = [];
  readonly intolerable: string[] = [];
  readonly #kills = new Map<string, number>();

  constructor(lab: readonly LabEvent[]) {
    // Every scenario ends with its servers being killed.
    for (const server of serversOf(lab)) this.#kills.set(server, 1);
    for (const event of lab) {
      if (event.event !== 'fault' || event.phase !== 'effective' || !/kill|restart/.test(event.fault))
        continue;
      this.#kills.set(event.target, (this.#kills.get(event.target) ?? 0) + 1);
    }
  }

  add(who: string, sentence: string): void {
    const kills = this.#kills.get(who) ?? 0;
    if (kills > 0) this.tolerated.push(sentence);
    else this.intolerable.push(sentence);
    this.#kills.set(who, kills - 1);
  }
}

function serversOf(lab: readonly LabEvent[]): readonly string[] {
  const started = lab.find((event) => event.event === 'lab-started');
  return started?.servers ?? [];
}

/** Whoever has a journal was there. */
async function strayJournals(dir: string, servers: readonly string[]): Promise<string[]> {
  const files = await readdir(dir).catch(() => []);
  const known = new Set(servers.map(journalFile));
  return files.filter((file) => file.startsWith('journal-') && !known.has(file)).sort();
}

async function loadLines<L>(
  dir: string,
  file: string,
  common: Readonly<Record<string, FieldKind>>,
  shapes: Readonly<Record<string, Readonly<Record<string, FieldKind>>>>,
): Promise<LinesRead<L>> {
  let text: string;
  try {
    text = await readFile(join(dir, file), 'utf8');
  } catch (error) {
    return { lines: [], unreadable: [`${file} cannot be read: ${codeOf(error)}`], torn: undefined };
  }
  return readLines<L>(file, text, common, shapes);
}

/** Lines of standard output that were no JSON when they came are kept among the noise; they begin like JSON. */
async function loadNoise(dir: string): Promise<[who: string, text: string][]> {
  const text = await readFile(join(dir, historyFiles.noise), 'utf8').catch(() => '');
  const found = text.split('\n').map((line) => /^([^ :]+): (\{.*)$/.exec(line));
  return found.filter((match) => match !== null).map((match) => [match[1]!, match[2]!]);
}

async function loadBytes(dir: string, file: string): Promise<Uint8Array | undefined> {
  return readFile(join(dir, file)).catch(() => undefined);
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
