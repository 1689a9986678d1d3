import { wrapped } from '../wrapped.ts';
import type { Diagnosis, EngineFindings, Finding } from './finding.ts';

const WIDTH = 80;
const STATE_WIDTH = 11;
const THING_WIDTH = 15;

/** The diagnosis as text within 80 columns; commands stay whole, to be copied. */
export function print(diagnosis: Diagnosis): string {
  return [
    section('machine', diagnosis.machine),
    section('engine docker', diagnosis.docker.findings),
    faults('docker', diagnosis.docker),
    section('engine process', diagnosis.process.findings),
    faults('process', diagnosis.process),
    wrapped(diagnosis.verdict, WIDTH, '  '),
    'Nothing on this machine was changed: what was tried out is gone again.',
  ].join('\n\n');
}

function section(title: string, findings: readonly Finding[]): string {
  return [title, ...findings.map(row)].join('\n');
}

/** By what each is made, and why it does not work where it does not; a reason that all of them share is told once. */
function faults(engine: string, { faults: list }: EngineFindings): string {
  const [first] = list;
  const shared = first?.state !== 'ok' && list.every(({ why }) => why === first?.why) ? first : undefined;
  const title = `faults on ${engine}${shared === undefined ? ', each tried out' : ''}`;
  const rows = list.map(({ thing, state, by, why }) => {
    if (shared !== undefined) return row({ thing, state: '', why: by });
    return row({ thing, state, why: state === 'ok' ? by : `${by}: ${why}` });
  });
  return [title, ...(shared === undefined ? [] : [row({ ...shared, thing: 'all of them' })]), ...rows].join(
    '\n',
  );
}

function row({ thing, state, why, bring }: Omit<Finding, 'state'> & { state: string }): string {
  const indent = ' '.repeat(STATE_WIDTH + THING_WIDTH + 2);
  const text = `  ${state.padEnd(STATE_WIDTH)}${thing.padEnd(THING_WIDTH)}${why}`;
  const line = wrapped(text, WIDTH, indent).trimEnd();
  return bring === undefined ? line : `${line}\n${' '.repeat(STATE_WIDTH + 2)}$ ${bring}`;
}
