import type { CheckResult, ScenarioRecord } from '../history/events.ts';

/**
 * In what a scenario came out otherwise than it had to; empty when it did not. A canary has to be found out by exactly
 * the checkers that it names: another violation, or anything that stayed unknown, and it may have been found out for
 * the wrong reason, or before it had done what it was to do. Nor may it be found out by the doing of other servers than
 * those it had hit.
 */
export function differences(
  { expected, violatedBy, mayViolate = [] }: Pick<ScenarioRecord, 'expected' | 'violatedBy' | 'mayViolate'>,
  results: readonly Pick<CheckResult, 'checker' | 'verdict' | 'by'>[],
  hit: readonly string[],
): string[] {
  const having = (verdict: CheckResult['verdict']) =>
    results.filter((result) => result.verdict === verdict).map(({ checker }) => checker);
  const violated = having('violated');
  const unknown = having('unknown').map((checker) => `${checker} is unknown`);
  const none = results.length === 0 ? ['nothing was checked'] : [];
  if (expected === 'valid')
    return [...violated.map((checker) => `${checker} is violated`), ...unknown, ...none];
  if (expected === 'unknown') return violated.length > 0 || unknown.length === 0 ? ['it is not unknown'] : [];
  const allowed = [...violatedBy, ...mayViolate];
  return [
    ...(violatedBy.length === 0 ? ['violatedBy names no checker that has to find it'] : []),
    ...violatedBy
      .filter((checker) => !violated.includes(checker))
      .map((checker) => `not found by ${checker}`),
    ...results.flatMap(({ checker, by }) => {
      if (by === undefined || !violatedBy.includes(checker) || hit.length === 0) return [];
      const isHurt = by.some((server) => hit.includes(server));
      return isHurt ? [] : [`${checker} found it of ${by.join(', ')}, and ${hit.join(', ')} was hit`];
    }),
    ...violated
      .filter((checker) => !allowed.includes(checker))
      .map((checker) => `${checker} is violated too`),
    ...unknown,
  ];
}
