import type { FailoverTimes } from '../checkers/takeovers.ts';
import type { Verdict } from '../history/events.ts';
import type { ScenarioOutcome } from '../run/session.ts';

export interface RunSummary {
  version: 2;
  /** The run's folder. */
  directory: string;
  engine: string;
  storages: readonly string[];
  /** The verdict of the run: `valid` when every scenario came out as it had to, canaries included. */
  verdict: Verdict;
  scenarios: readonly ScenarioSummary[];
}

export interface ScenarioSummary {
  name: string;
  engine: string;
  storage: string;
  seed: number;
  expected: Verdict;
  verdict: Verdict;
  asExpected: boolean;
  /** What kept it from being run to its end (an engine that went away); null when it was. */
  trouble: string | null;
  seconds: number;
  /** The headline of the verdict: what was violated, or why nothing can be said. */
  headline: string;
  counters: Readonly<Record<string, number>>;
  failovers: readonly FailoverTimes[];
  directory: string;
}

/** As it had to, and run to its end. */
export function cameOutAsExpected({ judgement, trouble, brokeOff }: ScenarioOutcome): boolean {
  return trouble === undefined && brokeOff === undefined && judgement.asExpected;
}

export function summarize(
  directory: string,
  outcomes: readonly ScenarioOutcome[],
  run: { engine: { name: string }; storages: readonly string[] },
): RunSummary {
  const scenarios = outcomes.map(summarizeScenario);
  return {
    version: 2,
    directory,
    engine: run.engine.name,
    storages: run.storages,
    verdict: overall(scenarios),
    scenarios,
  };
}

function summarizeScenario(outcome: ScenarioOutcome): ScenarioSummary {
  const { record, judgement } = outcome;
  const { name, engine, storage, seed, expected } = record;
  return {
    ...{ name, engine, storage, seed, expected },
    verdict: judgement.verdict,
    asExpected: cameOutAsExpected(outcome),
    trouble: outcome.trouble ?? null,
    seconds: Math.round(outcome.seconds * 10) / 10,
    headline: headline(outcome),
    counters: { ...judgement.counters },
    failovers: judgement.failovers,
    directory: outcome.directory,
  };
}

function headline({ judgement, trouble, brokeOff, record }: ScenarioOutcome): string {
  if (trouble !== undefined) return trouble;
  // What an otherwise good run lacks is that it came to its end.
  if (brokeOff !== undefined && judgement.asExpected) return `broke off: ${brokeOff}`;
  const worst = judgement.results.find((result) => result.verdict === judgement.verdict);
  if (record.expected === 'violated' && judgement.differs.length > 0) return judgement.differs.join('; ');
  return judgement.verdict === 'valid' || worst === undefined
    ? ''
    : `${worst.checker}: ${worst.evidence[0] ?? worst.claim}`;
}

/** A violation that nobody expected outranks what is unknown; a canary that was not found out is unknown: the checkers saw nothing. */
function overall(scenarios: readonly ScenarioSummary[]): Verdict {
  const wrong = scenarios.filter((scenario) => !scenario.asExpected);
  if (wrong.some((scenario) => scenario.verdict === 'violated' && scenario.expected === 'valid'))
    return 'violated';
  return wrong.length > 0 || scenarios.length === 0 ? 'unknown' : 'valid';
}
