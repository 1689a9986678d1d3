import type { Abilities } from '../engines/ability.ts';
import type { Engine } from '../engines/engine.ts';
import { faults } from '../faults/index.ts';
import type { FaultFinding } from './finding.ts';

/** Every fault there is on one engine: by what it is made, and whether that works here. */
export function faultFindings(engine: Engine['name'], abilities: Abilities): FaultFinding[] {
  return faults.map(({ name, needs, by }) => {
    const { works, seen } = abilities[needs];
    return { thing: name, engine, by: by[engine], state: works ? 'ok' : 'impossible', why: seen };
  });
}

/** Where they could not be tried out yet. */
export function untriedFaults(
  engine: Engine['name'],
  state: 'missing' | 'impossible',
  why: string,
  bring?: string,
): FaultFinding[] {
  return faults.map(({ name, by }) => ({
    ...{ thing: name, engine, by: by[engine], state, why },
    ...(bring === undefined ? {} : { bring }),
  }));
}

/** The first fault that cannot be made, in words. */
export function firstImpossible(findings: readonly FaultFinding[]): string | undefined {
  const wrong = findings.find(({ state }) => state === 'impossible');
  return wrong === undefined ? undefined : `${wrong.thing} does not work: ${wrong.why}`;
}
