import type { Checker, LabEvent } from '../history/events.ts';
import { Findings } from './findings.ts';
import { instantsOf } from './instants.ts';

type FaultEvent = Extract<LabEvent, { event: 'fault' }>;

/** A fault that did not take effect, or could not be healed, makes everything that was seen mean something else. */
export const faultsEffective: Checker = (history) => {
  const findings = new Findings(
    'faults-effective',
    'every fault that was asked for was seen to take effect, and was healed',
  );
  const { at } = instantsOf(history);
  const ended = history.lab.some((event) => event.event === 'lab-ended');
  const faults = new Map<number, FaultEvent[]>();
  for (const event of history.lab) {
    if (event.event === 'fault') faults.set(event.id, [...(faults.get(event.id) ?? []), event]);
  }
  let effectiveFaults = 0;
  for (const [id, events] of faults) {
    const first = events[0]!;
    const name = `fault ${id} (${first.fault} on ${first.target}, asked for at ${at(first.t)})`;
    const failed = events.find((event) => event.phase === 'failed');
    const effective = events.find((event) => event.phase === 'effective');
    const healed = events.some((event) => event.phase === 'healed' || event.phase === 'recovered');
    if (effective !== undefined) effectiveFaults += 1;
    if (failed !== undefined) findings.unknown(`${name} failed: ${failed.detail}`);
    else if (effective === undefined) findings.unknown(`${name} was never seen to take effect`);
    else if (!healed && !ended) findings.unknown(`${name} was not healed, and the run did not end properly`);
    else findings.holds(`${name}: ${effective.detail}`);
  }
  findings.count({ faults: effectiveFaults });
  return findings.result('no fault was asked for');
};
