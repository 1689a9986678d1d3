import { duration, instant } from './axis.ts';
import type { Events } from './events.ts';

/** One event in words, as the list shows it. An event that is not known here is told by its fields. */
export function sentence(events: Events, i: number): string {
  const f = (name: string) => String(events.field(i, name));
  const n = (name: string) => Number(events.field(i, name));
  const has = (name: string) => events.field(i, name) !== null;
  const took = (name: string) => duration(events.at[i]! - n(name));
  const name = events.event(i);
  const tell = Object.hasOwn(tellers, name) ? tellers[name] : undefined;
  return tell === undefined ? byFields(events, i) : tell({ f, n, has, took, source: events.source(i) });
}

interface Told {
  f(name: string): string;
  n(name: string): number;
  has(name: string): boolean;
  /** From the instant in this field to the event. */
  took(name: string): string;
  source: string;
}

// prettier-ignore
const tellers: Readonly<Record<string, (told: Told) => string>> = {
  // the lab
  'lab-started': ({ f }) => `the lab started: ${f('scenario')} on ${f('engine')}, seed ${f('seed')}`,
  fault: ({ f }) => `fault ${f('id')}: ${f('fault')} ${f('target')} ${f('phase')}: ${f('detail')}`,
  'takeover-awaited': ({ f }) => `a takeover from ${f('from')} is awaited`,
  'takeover-seen': ({ f, n }) => `${f('to')} took over from ${f('from')} (epoch ${f('epoch')}), serving after ${duration(n('servingT') - n('sinceT'))}`,
  'takeover-missed': ({ f, n }) => `nobody took over from ${f('from')} within ${duration(n('waitedMs') * 1e6)}`,
  healed: () => 'everything is healed',
  'serving-again': ({ f }) => `${f('server')} serves again (epoch ${f('epoch')})`,
  expected: ({ f }) => `${f('met') === 'true' ? 'as expected' : 'NOT as expected'}: ${f('what')}: ${f('detail')}`,
  stall: ({ f }) => `the host did not run the lab for ${f('gapMs')} ms`,
  'process-ended': ({ f, has }) => `a process of ${f('server')} ended ${has('signal') ? `by ${f('signal')}` : `with ${f('code')}`}${f('wanted') === 'true' ? '' : ', UNASKED'}`,
  note: ({ f }) => f('text'),
  'lab-ended': () => 'the lab ended',
  // the client
  'client-started': ({ f }) => `the client started with ${f('workers')} workers`,
  append: (t) => t.f('ended') === 'false' ? `append ${t.f('id')} never ended: its outcome is unknown`
    : `append ${t.f('id')} ${t.f('outcome') === 'ok' ? `acknowledged by ${t.f('server')} (epoch ${t.f('epoch')}) as seq ${t.f('seq')}` : t.f('outcome')} after ${t.took('beganAt')}${t.n('attempts') > 1 ? `, ${t.f('attempts')} attempts` : ''}`,
  'client-stopped': ({ f }) => `the client stopped after ${f('operations')} operations`,
  // the storage node
  'gate-started': ({ f, has }) => `the gate started (process ${f('pid')}); ${has('granted.epoch') ? `last grant ${f('granted.node')}, epoch ${f('granted.epoch')}` : 'nothing granted yet'}`,
  'not-settled': ({ f }) => `NOT SETTLED before epoch ${f('epoch')}: ${f('reason')}`,
  'server-started': ({ f, has }) => `a server process for ${areas(f('area'))} started (process ${f('pid')}${has('epoch') ? `, epoch ${f('epoch')}` : ''})`,
  'server-ended': ({ f }) => `the server process of ${areas(f('area'))} ended (process ${f('pid')})`,
  'gate-stopped': ({ f }) => `the gate stopped: ${f('reason')}`,
  grant: ({ f }) => `granted to ${f('node')}, epoch ${f('epoch')} (before: epoch ${f('previousEpoch')})`,
  drained: ({ f }) => `drained for epoch ${f('epoch')} in ${f('drainMs')} ms: ${f('connectionsEnded')} connections ended, ${f('writesAwaited')} writes awaited`,
  admitted: ({ f }) => `${f('node')} let in under epoch ${f('epoch')} (connection ${f('connection')})`,
  refused: ({ f, has }) => `REFUSED ${has('node') ? `${f('node')}, epoch ${f('epoch')}` : f('export')}: ${f('reason')} (last grant: epoch ${f('lastGranted')})`,
  write: (t) => `${t.f('node')} (epoch ${t.f('epoch')}) wrote ${t.f('length')} bytes at ${t.f('offset')} in ${t.took('beganAt')}${t.f('outcome') === 'ok' ? '' : `: ${t.f('outcome')}`}`,
  'write-refused': ({ f }) => `REFUSED a write of ${f('node')}, epoch ${f('epoch')}: ${f('length')} bytes at ${f('offset')} (last grant: epoch ${f('lastGranted')})`,
  'quorum-write': (t) => t.has('record.status')
    ? `quorum: record is { status ${t.f('record.status')}, ${t.f('record.node') || 'nobody'}, epoch ${t.f('record.epoch')}, count ${t.f('record.count')} }${failure(t)}`
    : `quorum: ${t.f('length')} bytes at ${t.f('offset')} by ${t.f('peer')}${failure(t)}`,
  connected: ({ f }) => `${f('peer')} connected to ${f('export')} (connection ${f('connection')})`,
  disconnected: ({ f }) => `connection ${f('connection')} to ${f('export')} ended: ${f('reason')}`,
  reservation: ({ f }) => `${f('action')} by ${f('export')} with key ${f('key')} (${f('serviceActionKey')}) on connection ${f('connection')}: ${f('outcome')}`,
  rule: ({ f }) => `rule ${f('id')} ${f('state')}: ${f('detail')}`,
  // a server
  'agent-started': ({ f }) => `the agent started: protocol ${f('protocol')}, fencing ${f('fencing')}, guard ${f('guard')}`,
  role: ({ f }) => `${f('from')} -> ${f('to')} (epoch ${f('epoch')}, ${f('rule')}): ${f('reason')}`,
  lease: ({ f, n }) => `heartbeat ${f('count')} of epoch ${f('epoch')} in ${duration(n('writtenAt') - n('startedAt'))}; the lease ends at ${instant(n('endsAt'))}`,
  observed: ({ f }) => `saw epoch ${f('epoch')} of ${f('node') || 'nobody'} unchanged, ${f('unchanged')} times in a row`,
  'observed-change': ({ f }) => f('what'),
  blind: ({ f }) => f('healed') === 'true' ? `sees the quorum area again` : `BLIND after ${f('failures')} failed reads: ${f('reason')}`,
  'heartbeat-failed': ({ f }) => `heartbeat FAILED (${f('phase')}, ${f('outcome')}): ${f('reason')}`,
  decided: ({ f }) => `decided to claim epoch ${f('epoch')} (${f('rule')}): ${f('reason')}`,
  'claim-abandoned': ({ f }) => `abandoned its claim of epoch ${f('epoch')} (${f('rule')}): ${f('reason')}`,
  overwrote: ({ f }) => `wrote its record over ${f('what')}`,
  'epoch-raised': ({ f }) => `raised its epoch from ${f('from')} to ${f('to')} (${f('grantedEpoch')} was granted)`,
  access: ({ f, has }) => `data area, epoch ${f('epoch')}: ${f('outcome')}${has('reason') ? `: ${f('reason')}` : ''}`,
  service: ({ f }) => `service ${f('phase')} (epoch ${f('epoch')}): ${f('reason')}`,
  released: ({ f, has }) => `${f('written') === 'true' ? 'released' : 'could not release'} epoch ${f('epoch')}${has('successor') && f('successor') !== '' ? ` for ${f('successor')}` : ''}: ${f('reason')}`,
  // the lab's, of a program that it ran, or a server's own
  order: ({ f, source }) => source === 'lab' ? `arbiter ${f('order')} at ${f('server')} ended with ${f('code')}: ${f('said')}` : `asked to ${f('order')}: ${f('outcome')}: ${f('reason')}`,
  paused: ({ f }) => `PAUSED by ${f('by')}, says the record of epoch ${f('epoch')}: it will not take over by itself`,
  resumed: ({ f }) => `no longer paused: ${f('reason')}`,
  'takeover-held': ({ f }) => `HOLDS BACK (${f('rule')}), for the area is paused: ${f('reason')}`,
  warning: ({ f }) => `warning: ${f('text')}`,
  ended: ({ f }) => `the agent ended with ${f('exitCode')}: ${f('reason')}`,
  late: ({ f }) => `woke up ${f('lateMs')} ms too late`,
  'journal-dropped': ({ f }) => `${f('lines')} lines of its journal were dropped`,
};

function areas(area: string): string {
  return area === 'both' ? 'both areas' : `the ${area} area`;
}

function failure({ f }: Told): string {
  return f('outcome') === 'ok' ? '' : `: ${f('outcome')}`;
}

function byFields(events: Events, i: number): string {
  const told = events.fields(i).filter(([, value]) => value !== null);
  return `${events.event(i)}: ${told.map(([name, value]) => `${name} ${value}`).join(', ')}`;
}
