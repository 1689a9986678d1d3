import type { History, LabEvent } from '../history/events.ts';

type FaultEvent = Extract<LabEvent, { event: 'fault' }>;

/** From one instant to another, both included; monotonic nanoseconds. */
export interface Window {
  fromT: number;
  toT: number;
}

/** One fault as the lab told it, phase by phase; undefined for a phase that never came. */
export interface FaultLife {
  id: number;
  fault: string;
  target: string;
  requested: FaultEvent | undefined;
  effective: FaultEvent | undefined;
  healed: FaultEvent | undefined;
  recovered: FaultEvent | undefined;
  failed: FaultEvent | undefined;
  first: FaultEvent;
}

/** Faults after which a process is gone, and what it would have said next with it. */
const POWER_OFF = new Set(['kill', 'stop', 'restart', 'storage-kill']);

export function faultsOf({ lab }: Pick<History, 'lab'>): FaultLife[] {
  const told = new Map<number, FaultEvent[]>();
  for (const event of lab)
    if (event.event === 'fault') told.set(event.id, [...(told.get(event.id) ?? []), event]);
  return [...told].map(([id, events]) => {
    const said = (phase: FaultEvent['phase']) => events.find((event) => event.phase === phase);
    const [first] = events as [FaultEvent];
    const begun = { requested: said('requested'), effective: said('effective'), healed: said('healed') };
    const { fault, target } = first;
    return { id, fault, target, first, ...begun, recovered: said('recovered'), failed: said('failed') };
  });
}

/** Servers on which a fault took effect. */
export function serversHit(history: History): string[] {
  const hit = faultsOf(history).filter(
    ({ effective, target }) => effective !== undefined && target !== 'storage',
  );
  return [...new Set(hit.map(({ target }) => target))];
}

/**
 * When `who` lost its power: somewhere between the request and the moment it was seen to be gone. What was under way
 * then may have been done without being told, and the last lines may be missing; nothing else is excused by it.
 */
export function powerCuts(history: History, who: string): Window[] {
  const cuts = faultsOf(history)
    .filter(
      ({ fault, target, effective }) => POWER_OFF.has(fault) && target === who && effective !== undefined,
    )
    .map(({ first, effective }) => ({ fromT: first.t, toT: effective!.t }));
  return who === 'storage' ? cuts : [...cuts, shutdown(history)];
}

/** Every scenario ends with its servers losing their power, once the client has ended. */
export function shutdown({ lab, client }: Pick<History, 'lab' | 'client'>): Window {
  const fromT = client.findLast((event) => event.event === 'client-stopped')?.t ?? Infinity;
  const toT = lab.findLast((event) => event.event === 'lab-ended')?.t ?? Infinity;
  return { fromT, toT };
}

/** While something kept the agent of `who` from running, though not its service: nobody could end that in time. */
export function stoppedWindows(history: History, who: string): Window[] {
  return faultsOf(history)
    .filter(({ fault, target }) => (fault === 'stall' || fault === 'pause') && target === who)
    .map(({ first, healed }) => ({ fromT: first.t, toT: healed?.t ?? Infinity }));
}

/** While a fault was in force on any of `whom`: from its request until it was healed, or to the end. */
export function hurtWindows(history: History, ...whom: string[]): Window[] {
  return faultsOf(history)
    .filter(({ target }) => whom.includes(target))
    .map(({ first, healed, recovered }) => ({ fromT: first.t, toT: (healed ?? recovered)?.t ?? Infinity }));
}

export function within(windows: readonly Window[], t: number): boolean {
  return windows.some(({ fromT, toT }) => fromT <= t && t <= toT);
}

/** How much of the time from `fromT` to `toT` lies in none of the windows, in nanoseconds. */
export function outside(windows: readonly Window[], fromT: number, toT: number): number {
  let left = 0;
  let reachedT = fromT;
  for (const window of [...windows].sort((a, b) => a.fromT - b.fromT)) {
    if (window.toT < reachedT) continue;
    if (window.fromT >= toT) break;
    left += Math.max(0, window.fromT - reachedT);
    reachedT = Math.max(reachedT, window.toT);
  }
  return left + Math.max(0, toT - reachedT);
}
