import type { Diagnosis } from '../doctor/examine.ts';
import type { Finding } from '../doctor/finding.ts';
import { initCommandFor } from '../doctor/fit.ts';
import { type Latency, shownMs } from '../doctor/latency.ts';
import { table, wrapped } from './output.ts';

/** No problem was found: agents can work with it. */
export function isUsable({ findings }: Diagnosis): boolean {
  return !findings.some(({ state }) => state === 'problem');
}

/** For people, within the columns of a terminal; commands stay whole, to be copied. `given`: the URI as it was typed. */
export function diagnosisLines(diagnosis: Diagnosis, given: string): string[] {
  const { uri, findings } = diagnosis;
  return [
    uri,
    '',
    ...findings.flatMap(findingLines),
    ...latencyLines(diagnosis),
    ...initLines(diagnosis, given),
    '',
    ...wrapped(writtenLine(diagnosis), '  '),
    ...wrapped(verdict(diagnosis), '  '),
  ];
}

export function diagnosisJson(diagnosis: Diagnosis, given: string): object {
  const { uri, area, findings, reads, writes, fitting, scratch } = diagnosis;
  return {
    uri,
    usable: isUsable(diagnosis),
    area: area ?? null,
    findings,
    latencyMs: { read: reads ?? null, write: writes ?? null },
    fitting: fitting ?? null,
    init: fitting === undefined ? null : initCommandFor(given, fitting, flagsFor(findings)),
    written: scratch ?? null,
  };
}

const STATE_WIDTH = 9;
const THING_WIDTH = 16;

function findingLines({ thing, state, why, todo }: Finding): string[] {
  const indent = ' '.repeat(STATE_WIDTH + THING_WIDTH + 2);
  const line = `  ${state.padEnd(STATE_WIDTH)}${thing.padEnd(THING_WIDTH)}${why}`;
  return [
    ...wrapped(line, indent),
    ...(todo === undefined ? [] : wrapped(`${indent}-> ${todo}`, `${indent}   `)),
  ];
}

function latencyLines({ reads, writes }: Diagnosis): string[] {
  const measured = (
    [
      ['read', reads],
      ['durable write', writes],
    ] as const
  ).filter((row): row is [(typeof row)[0], Latency] => row[1] !== undefined);
  if (measured.length === 0) return [];
  const head = ['latency in ms', 'bytes', 'requests', 'p50', 'p90', 'p99', 'p99.9', 'max'];
  const rows = measured.map(([what, { bytes, count, p50, p90, p99, p999, max }]) => [
    what,
    String(bytes),
    String(count),
    ...[p50, p90, p99, p999, max].map(shownMs),
  ]);
  return ['', ...table([head, ...rows], 0)];
}

/** Not where other data is, not on a data area that was tried for fencing, and not where an area is that fits. */
function initLines({ area, findings, fitting }: Diagnosis, given: string): string[] {
  const fits = findings.some(({ thing, state }) => thing === 'timings' && state === 'ok');
  const isForData = findings.some(({ thing }) => thing === 'reservations');
  if (fitting === undefined || isForData || !(area === 'empty' || (area === 'area' && !fits))) return [];
  const flags = [...flagsFor(findings), ...(area === 'area' ? ['--force'] : [])];
  return ['', 'A quorum area here, with timings that fit:', `  $ ${initCommandFor(given, fitting, flags)}`];
}

function flagsFor(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ initFlag }) => initFlag ?? []);
}

function writtenLine({ scratch }: Diagnosis): string {
  if (scratch === undefined) return 'Nothing was written.';
  const { offsetBytes, lengthBytes } = scratch;
  return `Nothing was written but to the ${lengthBytes} bytes at ${offsetBytes} that --scratch named; no quorum area was touched.`;
}

function verdict({ findings }: Diagnosis): string {
  const count = (state: Finding['state']): number => findings.filter((each) => each.state === state).length;
  const counted = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
  const [problems, warnings] = [count('problem'), count('warning')];
  const found = `${counted(problems, 'problem')}, ${counted(warnings, 'warning')}`;
  return `${problems === 0 ? 'Usable' : 'Not usable as it is'}: ${found}.`;
}
