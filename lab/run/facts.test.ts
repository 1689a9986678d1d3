import assert from 'node:assert/strict';
import type { AuditEntry, AuditLine } from '../../src/ports/audit.ts';
import type { JournalEntry, JournalLine } from '../../src/ports/journal.ts';
import type { WorldLine } from '../engines/engine.ts';
import { isPreempted } from './expectations.ts';
import {
  cameBackWith,
  contended,
  landedBetween,
  lastGrant,
  letInAgain,
  oneLetInPerEpoch,
  serviceEndedInLease,
} from './facts.ts';

const MS = 1e6;
const audit = (atMs: number, entry: AuditEntry): WorldLine => ({
  from: 'storage',
  line: { v: 1, t: atMs * MS, ...entry } as AuditLine,
});
const says = (atMs: number, server: string, entry: JournalEntry): WorldLine => ({
  from: 'server',
  server,
  line: { v: 1, t: atMs * MS, wall: '', incarnation: '', ...entry, node: server } as JournalLine,
});

describe('the fact that the storage node came back with its last grant', () => {
  const granted = { node: 'server-2', epoch: 7, incarnation: '0a0b0c0d' };
  const grants = (atMs: number, grant = granted) =>
    audit(atMs, { event: 'grant', previousEpoch: 0, ...grant });
  const starts = (atMs: number, remembered: typeof granted | null) =>
    audit(atMs, { event: 'gate-started', pid: 1, fencing: true, granted: remembered, listen: '' });
  const holds = (...lines: WorldLine[]) => cameBackWith(granted, 100 * MS).shownBy(lines) !== undefined;

  it('knows the last one', () => {
    assert.equal(lastGrant([starts(1, null)]), undefined);
    assert.deepEqual(lastGrant([grants(2, { ...granted, epoch: 4 }), grants(3), starts(4, null)]), granted);
  });

  it('holds for exactly that one, and for a start after the kill', () => {
    assert.ok(holds(starts(1, null), starts(200, granted)));
    assert.ok(!holds(starts(99, granted)), 'it never came back');
    for (const other of [null, { ...granted, epoch: 4 }, { ...granted, epoch: 8 }, { ...granted, node: 'x' }])
      assert.ok(!holds(starts(200, other)), JSON.stringify(other));
    assert.ok(!holds(starts(200, granted), starts(300, { ...granted, incarnation: '00000000' })));
  });
});

describe('the fact that servers contended', () => {
  const decides = (atMs: number, server: string) =>
    says(atMs, server, { event: 'decided', rule: 'R1', epoch: 7, startedAt: 0, reason: '' });
  const holds = (...lines: WorldLine[]) => contended(100 * MS).shownBy(lines) !== undefined;

  it('needs two of them, after the instant given', () => {
    assert.ok(holds(decides(200, 'server-1'), decides(300, 'server-2')));
    assert.ok(!holds(decides(200, 'server-1'), decides(300, 'server-1')), 'one that decides twice');
    assert.ok(!holds(decides(99, 'server-1'), decides(300, 'server-2')), 'one that decided before');
  });
});

describe('the fact that one is let in per epoch', () => {
  const admits = (atMs: number, node: string, epoch: number, incarnation = '00000000') =>
    audit(atMs, { event: 'admitted', connection: 1, peer: '', export: '', node, epoch, incarnation });
  const holds = (...lines: WorldLine[]) => oneLetInPerEpoch(100 * MS).shownBy(lines) !== undefined;

  it('holds for any number of epochs and connections, and not for none', () => {
    assert.ok(holds(admits(200, 'a', 7), admits(201, 'a', 7), admits(300, 'b', 8)));
    assert.ok(!holds(), 'nobody was let in');
    assert.ok(!holds(admits(99, 'a', 7)), 'nobody was let in after that');
  });

  it('does not hold when two share an epoch, be it two incarnations of one server', () => {
    assert.ok(!holds(admits(200, 'a', 7), admits(300, 'b', 7)));
    assert.ok(!holds(admits(200, 'a', 7), admits(300, 'a', 7, '11111111')));
  });
});

describe('the fact that a service is gone by the end of its lease', () => {
  // Renewed at 1000 ms, hit at 1100 ms, lease until 2700 ms.
  const lease = (atMs: number, epoch: number) => {
    const times = { startedAt: atMs * MS, writtenAt: atMs * MS, endsAt: (atMs + 1700) * MS };
    return says(atMs, 'server-1', { event: 'lease', epoch, count: 1, ...times });
  };
  const ended = (atMs: number, epoch = 3, server = 'server-1') =>
    says(atMs, server, { event: 'service', phase: 'ended', epoch, reason: 'stopped' });
  const leaves = (atMs: number) =>
    says(atMs, 'server-1', {
      event: 'role',
      from: 'stopping',
      to: 'standby',
      epoch: 3,
      rule: 'R6',
      reason: '',
    });
  const shown = (...lines: WorldLine[]) =>
    serviceEndedInLease('server-1', 1100 * MS).shownBy([lease(1000, 3), ...lines]);

  it('is shown by how much of the lease was left', () => {
    assert.equal(shown(ended(2650)), 'told 50.0 ms before that');
    assert.equal(shown(leaves(2300)), 'told 400.0 ms before that');
    assert.equal(shown(ended(2850)), 'told 150.0 ms after that', 'within T/2');
  });

  it('does not hold when it was gone later, or never', () => {
    assert.equal(shown(ended(2901)), undefined);
    assert.equal(shown(), undefined);
    assert.equal(shown(ended(2901), leaves(2902), lease(5000, 9), ended(5100, 9)), undefined);
  });

  it('does not hold when another server had decided to claim by then', () => {
    const decides = (atMs: number, server: string) =>
      says(atMs, server, { event: 'decided', rule: 'R1', epoch: 7, startedAt: 0, reason: '' });
    assert.equal(shown(ended(2650), decides(2600, 'server-2')), undefined);
    assert.equal(shown(ended(2650), decides(2700, 'server-2')), 'told 50.0 ms before that');
    assert.equal(shown(ended(2650), decides(2600, 'server-1')), 'told 50.0 ms before that', 'itself, before');
    assert.equal(shown(decides(1050, 'server-2'), ended(2650)), 'told 50.0 ms before that', 'before the hit');
  });

  it('is about this server, this epoch, and what came after it was hit', () => {
    assert.equal(shown(ended(2650, 3, 'server-2')), undefined);
    assert.equal(shown(ended(2650, 2)), undefined);
    assert.equal(shown(ended(1050)), undefined);
  });
});

describe('the facts about a reservation', () => {
  const old = { node: 'server-1', epoch: 7, incarnation: '0a0b0c0d' };
  const where = { connection: 3, peer: '127.0.0.1', export: 'data@x' };
  const admits = (atMs: number, node: string, epoch: number, incarnation = old.incarnation) =>
    audit(atMs, { event: 'admitted', ...where, node, epoch, incarnation });

  it('let in again: is shown by the same server under the same epoch, later, and by nobody else', () => {
    const shown = (...lines: WorldLine[]) => letInAgain(old, 100 * MS).shownBy(lines);
    assert.equal(
      shown(admits(50, 'server-1', 7), admits(120.5, 'server-1', 7)),
      'on connection 3, 20.5 ms later',
    );
    const others = [admits(50, 'server-1', 7), admits(120, 'server-2', 7), admits(120, 'server-1', 8)];
    assert.equal(shown(...others, admits(120, 'server-1', 7, '00000000')), undefined);
  });

  const key = (slot: number, epoch: number) => `0x${((BigInt(slot) << 48n) | BigInt(epoch)).toString(16)}`;

  it('preempted: is shown by a newer key that took this one away, not by the own one or in vain', () => {
    const preempts = (by: number, epoch: number, outcome = 'ok', action = 'preempt') =>
      audit(1, {
        ...{ event: 'reservation', ...where, action, outcome },
        ...{ key: key(by, epoch), serviceActionKey: key(0, 7) },
      });
    const holds = (line: WorldLine) => isPreempted(old).fits(line);
    assert.ok(holds(preempts(1, 8)));
    assert.ok(holds(preempts(1, 8, 'ok', 'preempt-and-abort')));
    for (const line of [preempts(0, 7), preempts(1, 8, 'ILLEGAL REQUEST'), preempts(1, 8, 'ok', 'register')])
      assert.ok(!holds(line), JSON.stringify(line));
  });

  it('landed between: counts what was carried out after the loss and before the next one came', () => {
    const writes = (atMs: number, node = 'server-1', outcome = 'ok') =>
      audit(atMs, {
        ...{ event: 'write', ...where, node, epoch: 7, incarnation: '', offset: 0, length: 4096 },
        ...{ beganAt: 0, outcome, fua: true },
      });
    const fact = landedBetween({ by: 'server-1', count: 2, fromT: 100 * MS });
    const next = admits(200, 'server-2', 8);
    assert.equal(fact.shownBy([writes(110), writes(190), next]), '2 did, the last one 10.0 ms before that');
    assert.equal(fact.shownBy([writes(110), writes(190)]), undefined, 'nobody came');
    for (const other of [
      writes(99),
      writes(201),
      writes(190, 'server-2'),
      writes(190, 'server-1', 'unknown'),
    ])
      assert.equal(fact.shownBy([writes(110), other, next]), undefined, JSON.stringify(other));
  });
});
