/**
 * What a fault asks of an engine: to end, to freeze or to stall processes, to lose the packets of a link or to reset its
 * connections, to hold a request at the gate, to slow a disk down. Every engine can try each of them out, and does so for `lab doctor`.
 */
export type Ability = 'end' | 'freeze' | 'stall' | 'drop' | 'reset' | 'hold' | 'slow';

export interface Tried {
  works: boolean;
  /** What was seen that proves it, or what stood in the way. */
  seen: string;
}

export type Abilities = Readonly<Record<Ability, Tried>>;

/** An attempt and what came of it; what it throws is what stood in the way. */
export async function tryOut(attempt: () => Promise<string>): Promise<Tried> {
  try {
    return { works: true, seen: await attempt() };
  } catch (error) {
    return { works: false, seen: (error as Error).message };
  }
}

/** None of them, for one and the same reason. */
export function noneOfThem(why: string): Abilities {
  const not: Tried = { works: false, seen: why };
  return { end: not, freeze: not, stall: not, drop: not, reset: not, hold: not, slow: not };
}
