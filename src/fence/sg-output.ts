import { RequestFailed } from '../ports/block-device.ts';
import type { Reservation } from '../ports/reservable-unit.ts';

/** What a program of sg3-utils came to. */
export interface ProgramEnd {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** As sg_persist names them, by number (SPC-4, table 68). */
const TYPE_NAMES: Readonly<Record<string, number>> = {
  'Write Exclusive': 1,
  'Exclusive Access': 3,
  'Write Exclusive, registrants only': 5,
  'Exclusive Access, registrants only': 6,
  'Write Exclusive, all registrants': 7,
  'Exclusive Access, all registrants': 8,
};

/** sg3_utils(8), EXIT STATUS: what a status or a sense key comes to, in the words of this program's own initiator. */
const CODES: Readonly<Record<number, string>> = {
  2: 'NOT READY',
  3: 'MEDIUM ERROR',
  5: 'ILLEGAL REQUEST 24/00',
  6: 'UNIT ATTENTION',
  7: 'DATA PROTECT',
  9: 'ILLEGAL REQUEST 20/00',
  11: 'ABORTED COMMAND',
  24: 'RESERVATION CONFLICT',
  26: 'BUSY',
  27: 'TASK SET FULL',
  33: 'ETIMEDOUT',
};

/** Additional sense that matters here, by the words for it. */
const ATTENTIONS: readonly (readonly [RegExp, string])[] = [
  [/reservations preempted/i, '2A/03'],
  [/registrations preempted/i, '2A/05'],
];

/** `sg_persist --in --read-keys`: one line a registration. Throws `RequestFailed` (EIO) for anything else. */
export function parseReadKeys(text: string): { generation: number; keys: readonly bigint[] } {
  const generation = generationIn(text);
  if (/there are NO registered reservation keys/i.test(text)) return { generation, keys: [] };
  const [, count, list] =
    /(\d+) registered reservation keys? follows?:((?:\s+0x[0-9a-f]+)*)/i.exec(text) ?? [];
  const keys = (list?.match(/0x[0-9a-f]+/gi) ?? []).map(BigInt);
  if (list === undefined || keys.length !== Number(count)) throw notUnderstood('read keys', text);
  return { generation, keys };
}

/** `sg_persist --in --read-reservation`; undefined for none. Throws `RequestFailed` (EIO) for anything else. */
export function parseReadReservation(text: string): Reservation | undefined {
  generationIn(text);
  if (/there is NO reservation held/i.test(text)) return undefined;
  const [, key, name] = /Key=(0x[0-9a-f]+)\s+scope: LU_SCOPE,\s+type: ([^\n]+)/i.exec(text) ?? [];
  const type = TYPE_NAMES[name?.trim() ?? ''];
  if (key === undefined || type === undefined) throw notUnderstood('read reservation', text);
  return { key: BigInt(key), type };
}

/** What a program that did not end with 0 said; `what` names it and the device, for messages. */
export function failureOf(what: string, { exitCode, stdout, stderr }: ProgramEnd): RequestFailed {
  const said = `${stderr}\n${stdout}`;
  const [, attention = ''] = ATTENTIONS.find(([words]) => words.test(said)) ?? [];
  const code = `${CODES[exitCode] ?? 'EIO'}${exitCode === 6 ? ` ${attention || '29/00'}` : ''}`;
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return new RequestFailed(`${what} failed with ${code}: ${lines.at(0) ?? `exit status ${exitCode}`}`, code);
}

function generationIn(text: string): number {
  const [, generation] = /PR generation=(0x[0-9a-f]+)/i.exec(text) ?? [];
  if (generation === undefined) throw notUnderstood('PERSISTENT RESERVE IN', text);
  return Number(generation);
}

function notUnderstood(what: string, text: string): RequestFailed {
  const said = text.trim().replaceAll(/\s+/g, ' ').slice(0, 120);
  return new RequestFailed(`sg_persist: its answer to ${what} is not understood: '${said}'`, 'EIO');
}
