import type { WorldLine } from '../engines/engine.ts';
import type { Verdict } from '../history/events.ts';
import { labTimings } from './defaults.ts';

/** Something that must be true of everything the world has said so far. */
export interface Fact {
  what: string;
  /** The verdict where it does not hold: `unknown` when the run then means nothing, `violated` when a promise was broken. */
  otherwise: Verdict;
  /** Undefined where it does not hold; else what shows it. */
  shownBy(lines: readonly WorldLine[]): string | undefined;
}

export interface Granted {
  node: string;
  epoch: number;
  incarnation: string;
}

/** What the storage node granted last, by its audit. */
export function lastGrant(lines: readonly WorldLine[]): Granted | undefined {
  const grants = lines.flatMap((line) =>
    line.from === 'storage' && line.line.event === 'grant' ? [line.line] : [],
  );
  const last = grants.at(-1);
  return last && { node: last.node, epoch: last.epoch, incarnation: last.incarnation };
}

/** The storage node was started again after `afterT` (monotonic nanoseconds), and remembered exactly this grant. */
export function cameBackWith(granted: Granted, afterT: number): Fact {
  const inWords = ({ node, epoch, incarnation }: Granted) => `epoch ${epoch} of ${node} (${incarnation})`;
  return {
    what: `the storage node comes back with its last grant, ${inWords(granted)}`,
    otherwise: 'violated',
    shownBy(lines) {
      const started = lines.flatMap((line) =>
        line.from === 'storage' && line.line.event === 'gate-started' && line.line.t > afterT
          ? [line.line.granted]
          : [],
      );
      const same = (found: Granted | null) => found !== null && inWords(found) === inWords(granted);
      return started.length > 0 && started.every(same) ? `it started with ${inWords(granted)}` : undefined;
    },
  };
}

/** The owner was let in once more, after `afterT` (monotonic nanoseconds) and under the same epoch. */
export function letInAgain({ node, epoch, incarnation }: Granted, afterT: number): Fact {
  return {
    what: `${node} is let in again under its epoch ${epoch}`,
    otherwise: 'violated',
    shownBy(lines) {
      for (const said of lines) {
        if (said.from !== 'storage' || said.line.event !== 'admitted' || said.line.t <= afterT) continue;
        const { line } = said;
        if (line.node === node && line.epoch === epoch && line.incarnation === incarnation)
          return `on connection ${line.connection}, ${((line.t - afterT) / 1e6).toFixed(1)} ms later`;
      }
      return undefined;
    },
  };
}

/**
 * At least `count` writes of `by` were in the target at `fromT` (monotonic nanoseconds), when it lost its reservation, and
 * were finished after that and before anybody else was let in: without them a run says nothing about writes that are queued.
 */
export function landedBetween(of: { by: string; count: number; fromT: number }): Fact {
  const { by, count, fromT } = of;
  return {
    what: `${count} writes of ${by} land after it was preempted, and before another is let in`,
    otherwise: 'unknown',
    shownBy(lines) {
      const audit = lines.flatMap((said) => (said.from === 'storage' ? [said.line] : []));
      const letIn = audit.find((line) => line.event === 'admitted' && line.node !== by && line.t > fromT);
      if (letIn === undefined) return undefined;
      const landed = audit.filter(
        (line) =>
          line.event === 'write' &&
          line.node === by &&
          line.outcome === 'ok' &&
          line.beganAt < fromT &&
          line.t > fromT &&
          line.t < letIn.t,
      );
      const lastMs = (letIn.t - Math.max(...landed.map(({ t }) => t))) / 1e6;
      if (landed.length < count) return undefined;
      return `${landed.length} did, the last one ${lastMs.toFixed(1)} ms before that`;
    },
  };
}

/** After `afterT` (monotonic nanoseconds) at least two servers decided to claim: without it there was no contention. */
export function contended(afterT: number): Fact {
  return {
    what: 'two servers or more decide to claim',
    otherwise: 'unknown',
    shownBy(lines) {
      const decided = new Set(
        lines.flatMap((line) =>
          line.from === 'server' && line.line.event === 'decided' && line.line.t > afterT
            ? [line.server]
            : [],
        ),
      );
      return decided.size >= 2 ? `${[...decided].join(' and ')} decided` : undefined;
    },
  };
}

/** After `afterT` (monotonic nanoseconds) somebody was let into the data area, and under no epoch more than one. */
export function oneLetInPerEpoch(afterT: number): Fact {
  return {
    what: 'exactly one server is let into the data area under each epoch',
    otherwise: 'violated',
    shownBy(lines) {
      const letIn = new Map<number, Set<string>>();
      for (const said of lines) {
        if (said.from !== 'storage' || said.line.event !== 'admitted' || said.line.t <= afterT) continue;
        const { line } = said;
        letIn.set(line.epoch, (letIn.get(line.epoch) ?? new Set()).add(`${line.node} ${line.incarnation}`));
      }
      const alone = [...letIn.values()].every((names) => names.size === 1);
      if (letIn.size === 0 || !alone) return undefined;
      return [...letIn].map(([epoch, [name]]) => `epoch ${epoch}: ${name}`).join(', ');
    },
  };
}

/**
 * How much later than the service's end the journal may tell of it: the guard looks and tells the agent, on a machine that
 * counts as stalled only when it does not run a program for more than T/2.
 */
const TOLD_LATER_MS = labTimings.intervalMs / 2;

/**
 * The service that `server` ran when it was hit, after `afterT` (monotonic nanoseconds), was gone by the end of its lease,
 * and before any other server decided to claim: by the journals, in which a lease is what the last acknowledged heartbeat
 * made it (R6).
 */
export function serviceEndedInLease(server: string, afterT: number): Fact {
  return {
    what: `the service of ${server} is gone by the end of its lease`,
    otherwise: 'violated',
    shownBy(lines) {
      let lease: { epoch: number; endsAt: number } | undefined;
      for (const said of lines) {
        if (said.from !== 'server' || said.server !== server) continue;
        const { line } = said;
        if (line.event === 'lease') lease = line;
        if (line.t <= afterT || lease === undefined || !isGone(line, lease.epoch)) continue;
        const leftMs = (lease.endsAt - line.t) / 1e6;
        if (leftMs < -TOLD_LATER_MS || someoneDecided(lines, server, afterT, line.t)) return undefined;
        return `told ${Math.abs(leftMs).toFixed(1)} ms ${leftMs < 0 ? 'after' : 'before'} that`;
      }
      return undefined;
    },
  };
}

function someoneDecided(lines: readonly WorldLine[], than: string, fromT: number, toT: number): boolean {
  return lines.some(
    (said) =>
      said.from === 'server' &&
      said.server !== than &&
      said.line.event === 'decided' &&
      said.line.t > fromT &&
      said.line.t <= toT,
  );
}

/** What follows `stopping` follows it when every process of the service is gone (src/protocol/stop.ts). */
function isGone(line: Extract<WorldLine, { from: 'server' }>['line'], epoch: number): boolean {
  if (line.event === 'service') return line.epoch === epoch && line.phase === 'ended';
  return line.event === 'role' && line.from === 'stopping';
}
