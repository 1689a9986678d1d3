import assert from 'node:assert/strict';
import type { AuditLine } from '../../src/ports/audit.ts';
import type { Verdict } from '../history/events.ts';
import { checkAll } from './check-all.ts';
import { goodTakeover } from './testing/good-takeover.ts';
import { connectionOf, nameOf, ns } from './testing/names.ts';
import { overIscsi, renumbered } from './testing/over-iscsi.ts';

/** What becomes of one line of the audit; nothing shows a line that is gone but what the others say. */
type Change = (line: AuditLine) => readonly AuditLine[];

const good = () => overIscsi(goodTakeover().history());
const drainedT = good().audit.findLast(({ event }) => event === 'drained')!.t;
const preemptT = good().audit.find((line) => line.event === 'reservation' && line.action === 'preempt')!.t;

const without =
  (isGone: (line: AuditLine) => boolean): Change =>
  (line) =>
    isGone(line) ? [] : [line];
const reservation = (line: AuditLine, action: string, epoch?: number): boolean =>
  line.event === 'reservation' &&
  line.action === action &&
  (epoch === undefined || line.export === nameOf('server-2', epoch).export);
const changed =
  (isIt: (line: AuditLine) => boolean, change: object): Change =>
  (line) => [isIt(line) ? { ...line, ...change } : line];
const beside =
  (isIt: (line: AuditLine) => boolean, more: AuditLine): Change =>
  (line) =>
    isIt(line) ? [line, more] : [line];
const isStart = (line: AuditLine): boolean => line.event === 'gate-started';
const write = (server: string, epoch: number, beganAt: number, t: number): AuditLine => ({
  ...{ v: 1, n: 0, t, event: 'write', ...nameOf(server, epoch), ...connectionOf(server, epoch) },
  ...{ offset: 64000, length: 512, beganAt, outcome: 'ok', fua: false },
});
const told = (action: string, server: string, epoch: number, t: number, more: object = {}): AuditLine => {
  const key = `0x${'0'.repeat(16)}`;
  const { export: name } = nameOf(server, epoch);
  const line = { event: 'reservation', ...connectionOf(server, epoch), export: name, action } as const;
  return { v: 1, n: 0, t, ...line, key, serviceActionKey: key, outcome: 'ok', ...more };
};
const stranger = { key: '0x0001000000000009', serviceActionKey: '0x0001000000000009' };
const ended: AuditLine = {
  ...{ v: 1, n: 0, t: ns(8.2), event: 'server-ended', pid: 3, area: 'both', epoch: null },
  ...{ code: 1, signal: null, byItself: true, why: '' },
};

// prettier-ignore
const rows: [what: string, change: Change, verdict: Verdict, by: string][] = [
  ['a write of the former owner ends after it was drained', beside(isStart, write('server-1', 2, preemptT - 1e6, drainedT + 1e5)), 'violated', 'reservations-held'],
  ['the former owner begins a write after it was preempted', beside(isStart, write('server-1', 2, preemptT + 1e4, preemptT + 2e4)), 'violated', 'reservations-held'],
  ['it is drained before the reset was done',        changed((l) => l.event === 'drained' && l.epoch === 3, { t: preemptT + 2e4 }), 'violated', 'reservations-held'],
  ['there was no reset',                             without((l) => reservation(l, 'reset', 3)),               'violated', 'reservations-held'],
  ['there was no preempt',                           without((l) => reservation(l, 'preempt')),                'violated', 'reservations-held'],
  ['the preempt was refused',                        changed((l) => reservation(l, 'preempt'), { outcome: 'RESERVATION CONFLICT' }), 'violated', 'reservations-held'],
  ['nobody knows what became of the preempt',        changed((l) => reservation(l, 'preempt'), { outcome: 'unknown' }), 'violated', 'reservations-held'],
  ['it preempted somebody else',                     changed((l) => reservation(l, 'preempt'), { serviceActionKey: '0x0000000000000001' }), 'violated', 'reservations-held'],
  ['the new owner registered another key',           changed((l) => reservation(l, 'register', 3), { serviceActionKey: '0x0001000000000009' }), 'violated', 'reservations-held'],
  ['its key is of another slot',                     (l) => [JSON.parse(JSON.stringify(l).replaceAll('0x0001000000000003', '0x0002000000000003')) as AuditLine], 'violated', 'reservations-held'],
  ['there are no reservations at all',               without((l) => l.event === 'reservation'),                'violated', 'reservations-held'],
  ['it was let in on another connection',            changed((l) => l.event === 'admitted' && l.epoch === 3, { connection: 999 }), 'violated', 'reservations-held'],
  ['it was let in before the reset',                 changed((l) => l.event === 'admitted' && l.epoch === 3, { t: preemptT + 2e4 }), 'violated', 'reservations-held'],
  ['the owner gave the unit up and wrote on',        beside(isStart, told('release', 'server-2', 3, ns(8.2))), 'violated', 'reservations-held'],
  ['somebody else took it, and the owner wrote on',  (l) => (isStart(l) ? [l, told('register', 'server-1', 9, ns(8.2), stranger), told('preempt', 'server-1', 9, ns(8.21), { ...stranger, serviceActionKey: '0x0001000000000003' })] : [l]), 'violated', 'reservations-held'],
  ['one of the writes that were awaited is gone',     changed((l) => l.event === 'drained' && l.epoch === 3, { writesAwaited: 1 }), 'unknown', 'reservations-held'],
  ['the target ended, and the owner wrote on',       beside(isStart, ended), 'violated', 'reservations-held'],
  ['the target ended, and the owner was let in as before', (l) => (isStart(l) ? [l, ended, { v: 1, n: 0, t: ns(8.3), event: 'admitted', ...nameOf('server-2', 3), ...connectionOf('server-2', 3) }] : [l]), 'violated', 'reservations-held'],
];

describe('a good story over iSCSI', () => {
  it('is valid, and by every checker', () => {
    const { verdict, results } = checkAll(good());
    assert.deepEqual(
      results.filter((each) => each.verdict !== 'valid'),
      [],
    );
    assert.ok(results.some(({ checker }) => checker === 'reservations-held'));
    assert.equal(verdict, 'valid');
  });

  for (const [what, change, verdict, by] of rows) {
    it(`is ${verdict} when ${what}`, () => {
      const history = good();
      const judged = checkAll({
        ...history,
        audit: renumbered(history.audit.flatMap((line) => change(line))),
      });
      const found = judged.results.filter((each) => each.verdict === verdict).map(({ checker }) => checker);
      assert.equal(judged.verdict, verdict);
      assert.ok(found.includes(by), `${by} is not among ${found.join(', ')}`);
    });
  }

  it('a reservation line that is missing, and nothing else, keeps it from being judged', () => {
    const history = good();
    const audit = history.audit.filter((line) => !reservation(line, 'reset', 3) || line.t < ns(7));
    assert.notEqual(checkAll({ ...history, audit }).verdict, 'valid');
  });
});
