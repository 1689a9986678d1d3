import type { Checker, CheckResult, History, Verdict } from '../history/events.ts';
import { acknowledgedKept } from './acknowledged-kept.ts';
import { countHistory, type HistoryCounters } from './counters.ts';
import { expectations } from './expectations.ts';
import { faultsEffective } from './faults-effective.ts';
import { historyWhole } from './history-whole.ts';
import { meaningful } from './meaningful.ts';
import { pauseHonoured } from './pause-honoured.ts';
import { recovered } from './recovered.ts';
import { singleActive } from './single-active.ts';
import { singleWriter } from './single-writer.ts';
import { standbysRefused } from './standbys-refused.ts';
import { takeoverBound } from './takeover-bound.ts';
import { failoverTimes, type FailoverTimes, takeoversOf } from './takeovers.ts';

/** What the checkers made of one scenario. The same from the run itself and from its folder alone. */
export interface Judgement {
  verdict: Verdict;
  /** As the scenario wanted it; a canary also wants certain checkers to have found the violation. */
  asExpected: boolean;
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
  { checker: singleActive },
  {
    checker: takeoverBound,
    concerns: (h) => takeoversOf(h).length > 0 || (h.scenario.atLeast.takeovers ?? 0) > 0,
  },
  { checker: pauseHonoured, concerns: (h) => h.lab.some((e) => e.event === 'order' && e.order === 'pause') },
  { checker: recovered },
  { checker: faultsEffective, concerns: (h) => h.lab.some((event) => event.event === 'fault') },
  {
    checker: expectations,
    concerns: (h) => h.lab.some((e) => e.event === 'expected' || (e.event === 'process-ended' && !e.wanted)),
  },
  { checker: meaningful },
  { checker: historyWhole },
];

/** Violated outranks unknown outranks valid. */
export function checkAll(history: History): Judgement {
  const concerned = checkers.filter(({ concerns }) => concerns === undefined || concerns(history));
  const results = concerned.map(({ checker }) => checker(history));
  const verdict = worst(results);
  return {
    verdict,
    asExpected: isAsExpected(history, verdict, results),
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

function isAsExpected({ scenario }: History, verdict: Verdict, results: readonly CheckResult[]): boolean {
  const found = (name: string) =>
    results.some((result) => result.checker === name && result.verdict === 'violated');
  return verdict === scenario.expected && scenario.violatedBy.every(found);
}
