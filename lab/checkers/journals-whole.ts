import type { Checker, History } from '../history/events.ts';
import { deathWaitMsOf } from './bound.ts';
import { hurtWindows, outside, powerCuts, shutdown } from './fault-windows.ts';
import { Findings } from './findings.ts';
import { isLiteral } from './literal.ts';
import { judgeHeartbeats } from './heartbeats-told.ts';
import { gapSentence, gapsIn } from './missing-lines.ts';
import { inMs, type Instants, instantsOf } from './instants.ts';

/**
 * Roles and leases are what the servers themselves say, so their journals are held against what the storage node saw
 * of them: nobody acted without saying so, nobody fell silent, and there is one for every server and for no other.
 */
export const journalsWhole: Checker = (history) => {
  const findings = new Findings(
    'journals-whole',
    'the journals are whole: no server did what its journal does not tell, or fell silent',
  );
  const instants = instantsOf(history);
  judgeServers(findings, history);
  judgeModes(findings, history, instants);
  judgeHeartbeats(findings, history, instants);
  judgeSilence(findings, history, instants);
  judgeNumbers(findings, history);
  return findings.result('there is no journal');
};

/** Every source speaks of the same servers. */
function judgeServers(findings: Findings, { lab, client, audit, journals }: History): void {
  const servers = lab.find((event) => event.event === 'lab-started')?.servers ?? [];
  const asked = client.find((event) => event.event === 'client-started')?.servers;
  if (asked !== undefined && [...asked].sort().join() !== [...servers].sort().join())
    findings.unknown(`the client asked ${asked.join(', ')}, and the lab had ${servers.join(', ')}`);
  const seen = new Set<string>();
  for (const line of audit) {
    if (line.event === 'admitted' || line.event === 'write' || line.event === 'grant') seen.add(line.node);
    if (line.event === 'quorum-write' && line.record !== null && line.record.node !== '')
      seen.add(line.record.node);
  }
  for (const node of seen)
    if (!servers.includes(node))
      findings.unknown(`the storage node saw ${node}, which is no server of the lab's`);
  for (const server of servers) if (!journals.has(server)) findings.unknown(`${server} has no journal`);
}

/** Every agent ran as the lab had asked: protocol, fencing, guard and timings. */
function judgeModes(findings: Findings, { lab, journals }: History, { at }: Instants): void {
  const started = lab.find((event) => event.event === 'lab-started');
  if (started === undefined) return;
  const asked: Readonly<Record<string, unknown>> = { ...started.agent, ...started.timings };
  for (const [server, lines] of journals) {
    for (const line of lines) {
      if (line.event !== 'agent-started') continue;
      const said: Readonly<Record<string, unknown>> = { ...line };
      for (const [name, value] of Object.entries(asked)) {
        if (said[name] !== value)
          findings.unknown(
            `${server} started at ${at(line.t)} with ${name} ${String(said[name])}, and the lab asked for ${String(value)}`,
          );
      }
    }
  }
}

/** Every agent numbers its lines from 1 on, and says how many of them it could not write; its last ones may be lost. */
function judgeNumbers(findings: Findings, { journals }: History): void {
  for (const [server, lines] of journals) {
    for (const own of Map.groupBy(lines, ({ incarnation }) => incarnation).values()) {
      const gaps = gapsIn(own.map(({ n }) => n));
      const missing = gaps.reduce((sum, { after, next }) => sum + Math.abs(next - after - 1), 0);
      const dropped = own.reduce((sum, line) => sum + (line.event === 'journal-dropped' ? line.lines : 0), 0);
      if (missing <= dropped) continue;
      findings.unknown(`of the journal of ${server} ${gaps.map(gapSentence).join(', ')}`);
    }
  }
}

/**
 * An agent that runs says something with every heartbeat or observation, so for D at the latest. What is not counted
 * is the time for which a fault held it, its path or the storage node. A literal owner tells no heartbeats, so nothing
 * is asked of that protocol.
 */
function judgeSilence(findings: Findings, history: History, { at }: Instants): void {
  const limitMs = deathWaitMsOf(history);
  if (limitMs === undefined || isLiteral(history)) return;
  const endT = shutdown(history).fromT;
  let longestMs = 0;
  for (const [server, lines] of history.journals) {
    const hurt = hurtWindows(history, server, 'storage');
    const cuts = powerCuts(history, server);
    for (const [i, line] of lines.entries()) {
      const next = lines[i + 1];
      if (line.event === 'ended' || line.t >= endT) continue;
      const untilT = Math.min(
        next?.t ?? endT,
        endT,
        ...cuts.map((cut) => (cut.toT > line.t ? cut.fromT : Infinity)),
      );
      if (untilT === Infinity) continue;
      const silentMs = outside(hurt, line.t, untilT) / 1e6;
      longestMs = Math.max(longestMs, silentMs);
      if (silentMs > limitMs)
        findings.unknown(
          `${server} said nothing for ${inMs(silentMs)} from ${at(line.t)} on, and was not hurt then`,
        );
    }
  }
  if (longestMs > 0)
    findings.holds(`no server was silent for more than ${inMs(longestMs)}, unless it was hurt`);
}
