import type { Checker, CheckResult, History, Verdict } from '../history/events.ts';
import { acknowledgedKept } from './acknowledged-kept.ts';
import { differences } from './as-expected.ts';
import { auditWhole } from './audit-whole.ts';
import { clocksAgree } from './clocks-agree.ts';
import { countHistory, type HistoryCounters } from './counters.ts';
import { deathWaited } from './death-waited.ts';
import { expectations } from './expectations.ts';
import { isReserved, reservationsHeld } from './reservations-held.ts';
import { serversHit } from './fault-windows.ts';
import { faultsEffective } from './faults-effective.ts';
import { historyWhole } from './history-whole.ts';
import { journalsWhole } from './journals-whole.ts';
import { isLiteral } from './literal.ts';
import { meaningful } from './meaningful.ts';
import { pauseHonoured } from './pause-honoured.ts';
import { recovered } from './recovered.ts';
import { servedInOrder } from './served-in-order.ts';
import { singleActive } from './single-active.ts';
import { singleWriter } from './single-writer.ts';
import { standbysRefused } from './standbys-refused.ts';
import { takeoverBound } from './takeover-bound.ts';
import { failoverTimes, type FailoverTimes, takeoversOf } from './takeovers.ts';

/** What the checkers made of one scenario. The same from the run itself and from its folder alone. */
export interface Judgement {
  verdict: Verdict;
  /** As the scenario wanted it; a canary wants certain checkers to have found the violation, and no other one. */
  asExpected: boolean;
  /** In what it came out otherwise, each in a few words; empty when it did not. */
  differs: readonly string[];
  results: readonly CheckResult[];
  counters: HistoryCounters;
  failovers: readonly FailoverTimes[];
}

/** A checker, and whether a history has anything to do with it. Where it has not, the claim is not made. */
interface Entry {
  checker: Checker;
  concerns?: (history: History) => boolean;
}

/** Safety first, then liveness, then whether any of it means something. */
const checkers: readonly Entry[] = [
  { checker: singleWriter },
  { checker: acknowledgedKept },
  { checker: standbysRefused },
  { checker: reservationsHeld, concerns: isReserved },
  { checker: singleActive },
  { checker: servedInOrder },
  { checker: deathWaited, concerns: (h) => !isLiteral(h) },
  {
    checker: takeoverBound,
    concerns: (h) => takeoversOf(h).length > 0 || (h.scenario.atLeast.takeovers ?? 0) > 0,
  },
  { checker: pauseHonoured, concerns: (h) => h.lab.some((e) => e.event === 'order' && e.order === 'pause') },
  { checker: recovered, concerns: (h) => !isLiteral(h) },
  {
    checker: faultsEffective,
    concerns: (h) =>
      h.lab.some((event) => event.event === 'fault') ||
      // A takeover that nobody brought about by an order takes a fault.
      ((h.scenario.atLeast.takeovers ?? 0) > 0 && !h.lab.some((event) => event.event === 'order')),
  },
  {
    checker: expectations,
    concerns: (h) =>
      h.lab.some((e) => e.event === 'expected' || (e.event === 'process-ended' && !e.wanted)) ||
      endedInFailure(h),
  },
  { checker: meaningful },
  { checker: historyWhole },
  { checker: auditWhole },
  { checker: journalsWhole },
  { checker: clocksAgree },
];

/** Violated outranks unknown outranks valid. */
export function checkAll(history: History): Judgement {
  const concerned = checkers.filter(({ concerns }) => concerns === undefined || concerns(history));
  const results = concerned.map(({ checker }) => checker(history));
  const verdict = worst(results);
  const differs = differences(history.scenario, results, serversHit(history));
  return {
    verdict,
    asExpected: differs.length === 0,
    differs,
    results,
    counters: countHistory(history),
    failovers: failoverTimes(history),
  };
}

function worst(results: readonly CheckResult[]): Verdict {
  if (results.some((result) => result.verdict === 'violated')) return 'violated';
  if (results.length === 0 || results.some((result) => result.verdict === 'unknown')) return 'unknown';
  return 'valid';
}

function endedInFailure({ journals }: History): boolean {
  return [...journals.values()].some((lines) =>
    lines.some((line) => line.event === 'ended' && line.exitCode !== 0),
  );
}
