import assert from 'node:assert/strict';
import type { AuditLine } from '../../src/ports/audit.ts';
import type { JournalLine } from '../../src/ports/journal.ts';
import type { ClientEvent, History, LabEvent, Verdict } from '../history/events.ts';
import { checkAll } from './check-all.ts';
import { goodTakeover } from './testing/good-takeover.ts';
import { connectionOf, nameOf, ns } from './testing/names.ts';

/** One good story, and what must become of it when a part of its evidence is gone, shifted or made up. */
type Falsify = (good: History) => Partial<History>;

const audit = (change: (line: AuditLine, i: number) => readonly AuditLine[]): Falsify => {
  return (good) => ({ audit: good.audit.flatMap(change) });
};
const withoutAudit = (isGone: (line: AuditLine) => boolean) => audit((line) => (isGone(line) ? [] : [line]));
const client = (change: (event: ClientEvent) => readonly ClientEvent[]): Falsify => {
  return (good) => ({ client: good.client.flatMap(change) });
};
const lab = (change: (event: LabEvent) => readonly LabEvent[]): Falsify => {
  return (good) => ({ lab: good.lab.flatMap(change) });
};
const journal = (
  server: string,
  change: (lines: readonly JournalLine[]) => readonly JournalLine[],
): Falsify => {
  return (good) => ({
    journals: new Map([...good.journals].map(([s, l]) => [s, s === server ? change(l) : l])),
  });
};
const withoutLines = (server: string, isGone: (line: JournalLine) => boolean) =>
  journal(server, (lines) => lines.filter((line) => !isGone(line)));
const agents = (change: Partial<Record<string, unknown>>): Falsify => {
  return (good) => ({
    journals: new Map(
      [...good.journals].map(([server, lines]) => [
        server,
        lines.map((line) => (line.event === 'agent-started' ? { ...line, ...change } : line)),
      ]),
    ),
  });
};
const inOrder = <L extends { t: number }>(lines: readonly L[]) => [...lines].sort((a, b) => a.t - b.t);
const added =
  (line: AuditLine): Falsify =>
  (good) => ({ audit: inOrder([...good.audit, line]) });
const shifted = <L extends { t: number }>(line: L, seconds: number): L => ({
  ...line,
  t: line.t + seconds * 1e9,
});
const secondAdmissionT = ns(7.802);
const isFault = (event: LabEvent, ...phases: string[]) =>
  event.event === 'fault' && phases.includes(event.phase);

const invented = (at: number): AuditLine => ({
  ...{ v: 1, n: 0, t: ns(at), event: 'write', ...nameOf('server-2', 9), ...connectionOf('server-2', 9) },
  ...{ offset: 512, length: 512, beganAt: ns(at - 0.001), outcome: 'ok', fua: true },
});
const restart: AuditLine = {
  ...{ v: 1, n: 0, t: ns(9.5), event: 'gate-started', pid: 12, fencing: true, listen: '' },
  granted: { node: 'server-2', epoch: 3, incarnation: nameOf('server-2', 3).incarnation },
};

// prettier-ignore
const rows: [what: string, falsify: Falsify, verdict: Verdict, ...by: string[]][] = [
  // The storage node's record.
  ['the audit is cut off behind the second admission', withoutAudit((l) => l.t > secondAdmissionT),                            'unknown',  'audit-whole', 'journals-whole'],
  ['all writes of the new owner are gone',        withoutAudit((l) => l.event === 'write' && l.epoch === 3),                   'unknown',  'audit-whole'],
  ['one write is left',                           audit((l, i) => (l.event === 'write' && i > 20 ? [] : [l])),                 'unknown',  'audit-whole'],
  ['a write was not forced to the disk',          audit((l) => [l.event === 'write' && l.t === ns(4.01) ? { ...l, fua: false } : l]), 'unknown', 'audit-whole'],
  ['the quorum disk is gone',                     () => ({ quorum: undefined }),                                              'unknown',  'audit-whole'],
  ['the quorum disk is zeroed',                   () => ({ quorum: new Uint8Array(4096) }),                                   'unknown',  'audit-whole'],
  ['the record on the quorum disk is zeroed',     (good) => ({ quorum: good.quorum!.map((b, i) => (i >= 512 && i < 1024 ? 0 : b)) }), 'unknown', 'audit-whole'],
  ['the data disk is zeroed',                     (good) => ({ data: new Uint8Array(good.data!.length) }),                    'violated', 'acknowledged-kept', 'audit-whole'],
  ['it begins later',                             (good) => ({ audit: good.audit.slice(2) }),                                 'unknown',  'audit-whole', 'death-waited'],
  ['the gate says that it does not fence',        audit((l) => [l.event === 'gate-started' ? { ...l, fencing: false } : l]),    'unknown',  'audit-whole'],
  ['the gate was started once more, unasked',     added(restart),                                                             'unknown',  'audit-whole'],
  ['a write of somebody who was never let in',    added(invented(3.6)),                                                       'violated', 'single-writer', 'audit-whole', 'served-in-order'],
  ['a server nobody knows is let in',             added({ v: 1, n: 0, t: ns(9), event: 'admitted', ...nameOf('server-9', 3), ...connectionOf('server-9', 3) }), 'violated', 'standbys-refused', 'journals-whole'],
  ['admissions are gone',                         withoutAudit((l) => l.event === 'admitted'),                                 'violated', 'single-writer', 'standbys-refused', 'served-in-order', 'takeover-bound', 'meaningful'],
  ['the grant of the new owner is gone',          withoutAudit((l) => l.event === 'grant' && l.epoch === 3),                   'violated', 'standbys-refused', 'takeover-bound', 'meaningful'],
  ['writes of the record are gone',               withoutAudit((l) => l.event === 'quorum-write' && l.record?.status === 1),    'violated', 'standbys-refused', 'takeover-bound', 'meaningful', 'audit-whole', 'journals-whole'],
  // The journals.
  ['all leases of the former owner are gone',     withoutLines('server-1', (l) => l.event === 'lease'),                        'unknown',  'journals-whole'],
  ['all leases of the new owner are gone',        withoutLines('server-2', (l) => l.event === 'lease'),                        'unknown',  'journals-whole', 'recovered'],
  ['a journal is cut off behind its first line',  journal('server-1', (l) => l.slice(0, 1)),                                  'unknown',  'journals-whole', 'served-in-order'],
  ["a standby's journal is cut off",              journal('server-1', (l) => l.filter((line) => line.t < ns(2) || line.t > ns(10))), 'unknown', 'journals-whole', 'served-in-order'],
  ['the new owner says nothing once it is active', journal('server-2', (l) => l.filter((line) => line.t <= ns(7.8))),          'unknown',  'journals-whole', 'served-in-order', 'takeover-bound', 'meaningful', 'recovered'],
  ['it does not tell of its access',              withoutLines('server-2', (l) => l.event === 'access'),                       'violated', 'served-in-order'],
  ['it does not tell of its service',             withoutLines('server-2', (l) => l.event === 'service'),                      'unknown',  'served-in-order', 'takeover-bound', 'meaningful'],
  ['it does not tell that it verified',           withoutLines('server-2', (l) => l.event === 'access' && l.outcome === 'verified'), 'violated', 'served-in-order'],
  ['it does not tell of its decision',            withoutLines('server-2', (l) => l.event === 'decided'),                      'unknown',  'journals-whole'],
  ['two of its observations are gone',            withoutLines('server-2', (l) => l.event === 'observed' && l.t > ns(2) && l.t < ns(3)), 'unknown', 'journals-whole'],
  ['a server is struck from the list',            (good) => ({ ...lab((e) => [e.event === 'lab-started' ? { ...e, servers: ['server-2'] } : e])(good), journals: new Map([...good.journals].slice(1)) }), 'unknown', 'journals-whole'],
  ['the agents had no guard',                     agents({ guard: false }),                                                   'unknown',  'journals-whole'],
  ['the agents did not fence',                    agents({ fencing: 'none' }),                                                'unknown',  'journals-whole'],
  ['the agents had another T',                    agents({ intervalMs: 100 }),                                                'unknown',  'journals-whole'],
  ['an agent ended in failure',                   journal('server-1', (l) => [...l, { ...l.at(-1)!, event: 'ended', exitCode: 3, reason: '' }]), 'violated', 'expectations'],
  // The client.
  ['ends of appends are gone',                    client((e) => (e.event === 'end' ? [] : [e])),                              'unknown',  'history-whole', 'meaningful', 'acknowledged-kept'],
  ['an append is gone altogether',                client((e) => ((e.event === 'end' || e.event === 'begin') && e.id === '7-0-1' ? [] : [e])), 'violated', 'acknowledged-kept', 'history-whole'],
  ['the client did not end',                      client((e) => (e.event === 'client-stopped' ? [] : [e])),                   'unknown',  'history-whole', 'acknowledged-kept'],
  // The clocks.
  ['the audit is 5 s early',                      audit((l) => [shifted(l, -5)]),                                              'unknown',  'clocks-agree', 'audit-whole'],
  ['the audit is 20 ms late',                     audit((l) => [shifted(l, 0.02)]),                                            'unknown',  'audit-whole', 'clocks-agree'],
  ['a journal is 60 s early',                     journal('server-1', (l) => l.map((line) => shifted(line, -60))),             'unknown',  'clocks-agree'],
  ['a journal is 1 s late',                       journal('server-1', (l) => l.map((line) => shifted(line, 1))),               'unknown',  'clocks-agree'],
  ['the client is 20 ms early',                   client((e) => [shifted(e, -0.02)]),                                         'unknown',  'audit-whole'],
  ['two lines of the audit changed places',       (good) => ({ audit: [...good.audit.slice(0, 5), good.audit[6]!, good.audit[5]!, ...good.audit.slice(7)] }), 'violated', 'standbys-refused', 'clocks-agree'],
  // The faults, and what the lab makes of them.
  ['the server that was hit did not recover',     lab((e) => (isFault(e, 'recovered') ? [] : [e])),                           'unknown',  'faults-effective'],
  ['nor was it healed',                           lab((e) => (isFault(e, 'recovered', 'healed') ? [] : [e])),                  'unknown',  'faults-effective'],
  ['there was no fault at all',                   lab((e) => (e.event === 'fault' ? [] : [e])),                               'unknown',  'faults-effective', 'takeover-bound', 'meaningful'],
  ['another server took over, by the lab',        lab((e) => [e.event === 'takeover-seen' ? { ...e, to: 'server-3' } : e]),    'unknown',  'takeover-bound', 'meaningful'],
  ['it took 1 ms, by the lab',                    lab((e) => [e.event === 'takeover-seen' ? { ...e, servingT: e.sinceT + 1e6 } : e]), 'unknown', 'takeover-bound', 'meaningful'],
  ['the new owner decided too early',             journal('server-2', (l) => l.map((line) => (line.event === 'decided' ? { ...line, startedAt: ns(6.5) } : line))), 'violated', 'death-waited'],
  ['it skipped D without a release',              journal('server-2', (l) => l.map((line) => (line.event === 'decided' ? { ...line, rule: 'R8' } : line))), 'violated', 'death-waited'],
];

describe('a good story', () => {
  it('is valid, and by every checker', () => {
    const { verdict, results } = checkAll(goodTakeover().history());
    assert.deepEqual(
      [verdict, ...results.filter((r) => r.verdict !== 'valid').map((r) => r.checker)],
      ['valid'],
    );
  });

  for (const [what, falsify, verdict, ...by] of rows) {
    it(`is ${verdict} when ${what}`, () => {
      const good = goodTakeover().history();
      const judged = checkAll({ ...good, ...falsify(good) });
      assert.equal(judged.verdict, verdict);
      const found = new Set(judged.results.filter((r) => r.verdict !== 'valid').map((r) => r.checker));
      for (const checker of by)
        assert.ok(found.has(checker), `${checker} is not among ${[...found].join(', ')}`);
    });
  }
});
