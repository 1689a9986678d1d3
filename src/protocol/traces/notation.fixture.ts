import type {
  Effect,
  Header,
  NodeSlot,
  OwnershipRecord,
  ProtocolEntry,
  Reading,
  SlotRole,
  Timings,
} from '../types.ts';

/**
 * How a trace writes what stands on the disk and what a server does. Servers have one letter, which is their node's
 * name and, repeated, their incarnation; `a:d` is node a under the incarnation of d. `e3` is an epoch, `#7` a count.
 * `for b` names a successor, `paused-by a` a pause.
 */
export function readRecord(text: string): Reading<OwnershipRecord> {
  const [kind, who = '', ...rest] = text.split(' ');
  if (kind === 'null') return { kind: 'null', bytes: '' };
  if (kind === 'damaged') return { kind: 'damaged', why: 'torn or corrupt', bytes: text };
  const { node, incarnation } = writerOf(who);
  const released = kind === 'released';
  if (!released && kind !== 'owned' && kind !== 'claimed') throw new Error(`no record: ${text}`);
  const [epoch, count, ...options] = rest;
  const { for: successor = '', 'paused-by': by, ...unknown } = pairs(options);
  if (Object.keys(unknown).length > 0) throw new Error(`no record: ${text}`);
  return validReading({
    status: kind === 'owned' ? 1 : 0,
    node: released ? '' : node,
    epoch: number('e', epoch),
    incarnation,
    count: number('#', count),
    successor,
    pause: by === undefined ? null : { by, sinceWallMs: 0 },
  });
}

export function recordText(record: OwnershipRecord): string {
  const { status, node, epoch, incarnation, count, successor, pause } = record;
  const kind = node === '' ? 'released' : status === 1 ? 'owned' : 'claimed';
  const to = successor === '' ? '' : ` for ${successor}`;
  const paused = pause === null ? '' : ` paused-by ${pause.by}`;
  return `${kind} ${writerText(node, incarnation)} e${epoch} #${count}${to}${paused}`;
}

/** `b owner e3 #4`. */
export function readSlot(text: string): Reading<NodeSlot> {
  const [who = '', role, epoch, counter] = text.split(' ');
  if (who === 'null') return { kind: 'null', bytes: '' };
  return validReading({
    ...writerOf(who),
    counter: number('#', counter),
    role: role as SlotRole,
    epoch: number('e', epoch),
  });
}

/** `T=1000 M=5 S=1000 q=500 grace=1000`, each of them optional. */
export function readTimings(text: string, otherwise: Timings): Timings {
  const names = {
    T: 'intervalMs',
    M: 'misses',
    S: 'settleMs',
    q: 'deadlineMs',
    grace: 'stopGraceMs',
  } as const;
  const timings = { ...otherwise };
  for (const word of text.split(' ')) {
    const [name = '', value] = word.split('=');
    if (!(name in names)) throw new Error(`no timing: ${word}`);
    timings[names[name as keyof typeof names]] = Number(value);
  }
  return timings;
}

export function validReading<T>(value: T): Reading<T> {
  return { kind: 'valid', value, bytes: JSON.stringify(value) };
}

export function headerReading(timings: Timings, slots: number, mode: Header['mode']): Reading<Header> {
  return validReading({ clusterId: 'c'.repeat(32), sectorBytes: 512, slots, mode, timings });
}

export function incarnationOf(letter: string): string {
  return letter.repeat(32);
}

export function effectText(effect: Effect): string {
  switch (effect.do) {
    case 'journal':
      return entryText(effect.entry);
    case 'write-record':
      return doing(effect.do, recordText(effect.record));
    case 'write-slot': {
      const { node, incarnation, role, epoch, counter } = effect.slot;
      return doing(effect.do, `${writerText(node, incarnation)} ${role} e${epoch} #${counter}`);
    }
    case 'wake':
      return doing(effect.do, `${effect.at}`);
    case 'lease':
      return doing(effect.do, `e${effect.epoch} until ${effect.endsAt}`);
    case 'obtain':
    case 'start-service':
      return doing(effect.do, `e${effect.epoch}`);
    case 'stop-service':
      return doing(effect.do, `${effect.how}, by ${effect.byAt}`);
    case 'end':
      return doing(effect.do, `${effect.exitCode}: ${effect.reason}`);
    default:
      return doing(effect.do, '');
  }
}

function doing(what: string, details: string): string {
  return `> ${what.padEnd(17)} ${details}`.trimEnd();
}

function entryText(entry: ProtocolEntry): string {
  const { event, ...fields } = entry;
  const details = Object.entries(fields).map(([name, value]) =>
    typeof value === 'string' ? `${name}='${value}'` : `${name}=${value}`,
  );
  return `. ${event.padEnd(17)} ${details.join(' ')}`;
}

function writerOf(who: string): { node: string; incarnation: string } {
  const [node = '', letter = node] = who.split(':');
  return { node, incarnation: incarnationOf(letter) };
}

function writerText(node: string, incarnation: string): string {
  const letter = incarnation.slice(0, 1);
  return node === letter || node === '' ? letter : `${node}:${letter}`;
}

function pairs(words: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (let i = 0; i < words.length; i += 2) found[words[i]!] = words[i + 1] ?? '';
  return found;
}

function number(sign: string, word: string | undefined): number {
  if (word === undefined || !word.startsWith(sign)) throw new Error(`${word} should begin with ${sign}`);
  return Number(word.slice(1));
}
