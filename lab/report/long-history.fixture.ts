import type { AuditLine } from '../../src/ports/audit.ts';
import type { JournalLine } from '../../src/ports/journal.ts';
import { connectionOf, nameOf, ns } from '../checkers/testing/names.ts';
import { Story } from '../checkers/testing/story.ts';
import type { ClientEvent, History } from '../history/events.ts';

const SERVERS = ['server-1', 'server-2', 'server-3'];
const TERM_S = 30;
const GAP_S = 2.4;
const APPENDS_PER_S = 40;
const LEASE_S = 1.7;

/**
 * A long run with at least so many events: every 30 s the active server is killed and the next one takes over. Appends
 * go on throughout; some are refused and some stay unknown.
 */
export function longHistory(events: number): History {
  const story = new Story({ servers: SERVERS }).noDataImage();
  for (const server of SERVERS) standsBy(story, 0.3, server);
  const client: ClientEvent[] = [];
  const audit: AuditLine[] = [];
  const leases = new Map<string, JournalLine[]>(SERVERS.map((server) => [server, []]));
  let n = 0;
  for (let term = 0; client.length / 2 + audit.length + n < events; term++) {
    const from = 1 + term * (TERM_S + GAP_S);
    const server = SERVERS[term % SERVERS.length]!;
    const epoch = term + 2;
    comesUp(story, from, server, epoch);
    story.active(from, server, epoch, from + 0.1, false).letIn(from + 0.01, server, epoch);
    n += beats(leases.get(server)!, server, epoch, from);
    work(client, audit, { server, epoch, from });
    const until = from + TERM_S;
    story
      .fault(until, term + 1, 'kill', server, 'requested')
      .fault(until + 0.05, term + 1, 'kill', server, 'effective');
    story.lab(until + 0.06, { event: 'process-ended', server, code: null, signal: 'SIGKILL', wanted: true });
    story.fault(until + 5, term + 1, 'kill', server, 'healed').agentStarts(until + 5.1, server);
    story.fault(until + 6, term + 1, 'kill', server, 'recovered');
    story.takeover(until + 0.05, until + GAP_S, server, SERVERS[(term + 1) % SERVERS.length]!, epoch + 1);
    story.audit(until + 0.07, {
      event: 'disconnected',
      ...connectionOf(server, epoch),
      export: null,
      reason: 'killed',
    });
    story.refuses(until + 6, server, epoch);
    standsBy(story, until + 7.1, server);
  }
  const last = client.at(-1)!.t / 1e9 - ns(0) / 1e9;
  const made = story.finish(last + 12, SERVERS[0]!, 2).history();
  const merged = <L extends { t: number }>(a: readonly L[], b: readonly L[]) =>
    [...a, ...b].sort((x, y) => x.t - y.t);
  return {
    ...made,
    client: merged(made.client, client),
    audit: merged(made.audit, audit),
    journals: new Map(
      [...made.journals].map(([server, lines]) => [server, merged(lines, leases.get(server)!)]),
    ),
  };
}

function standsBy(story: Story, at: number, server: string): void {
  const how = { epoch: 0, rule: 'R0', reason: 'the own slot was quiet for D' };
  story.journal(at, server, { event: 'role', from: 'starting', to: 'standby', ...how });
}

function comesUp(story: Story, at: number, server: string, epoch: number): void {
  const how = { epoch, rule: 'R3', reason: 'unchanged for D' };
  story.journal(at - 0.46, server, { event: 'role', from: 'standby', to: 'claiming', ...how });
  story.journal(at - 0.45, server, { event: 'role', from: 'claiming', to: 'settling', ...how, rule: 'R4' });
}

interface Term {
  server: string;
  epoch: number;
  from: number;
}

function beats(lines: JournalLine[], server: string, epoch: number, from: number): number {
  let count = 0;
  for (let at = from + 0.4; at < from + TERM_S; at += 0.4) {
    const startedAt = ns(at - 0.004);
    const times = { startedAt, writtenAt: ns(at), endsAt: startedAt + LEASE_S * 1e9 };
    const common = { v: 1, n: 0, t: ns(at), wall: '', node: server, incarnation: 'a'.repeat(32) } as const;
    lines.push({ ...common, event: 'lease', epoch, count: ++count, ...times });
  }
  return count;
}

/** Three workers append one after the other; every append is one write. */
function work(client: ClientEvent[], audit: AuditLine[], { server, epoch, from }: Term): void {
  for (let n = 0; n < TERM_S * APPENDS_PER_S; n++) {
    const at = from + 0.05 + n / APPENDS_PER_S;
    const operation = { id: `7-${epoch}-${n}`, worker: n % 3 };
    const outcome = n % 97 === 0 ? 'unknown' : n % 61 === 0 ? 'refused' : 'ok';
    const result = outcome === 'ok' ? { server, epoch, seq: n } : { server: null, epoch: null, seq: null };
    client.push({ t: ns(at), event: 'begin', ...operation });
    client.push({ t: ns(at + 0.05), event: 'end', ...operation, outcome, ...result, attempts: 1 });
    if (outcome === 'refused') continue;
    const where = { offset: n * 512, length: 512, beganAt: ns(at + 0.01), outcome: 'ok', fua: true };
    audit.push({
      v: 1,
      n: 0,
      t: ns(at + 0.011),
      event: 'write',
      ...nameOf(server, epoch),
      ...connectionOf(server, epoch),
      ...where,
    });
  }
}
