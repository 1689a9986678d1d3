import type { Pause } from '../protocol/types.ts';

/** What people may ask of an agent; each resolves when it is done or cannot be done any more. */
export interface TakesOrders {
  /** R8: a clean stop. */
  release(then: 'exit' | 'observe'): Promise<ReleaseAnswer>;
  /** R8: a clean stop for the good of the server `to`. `force`: also when the others will have to wait D. */
  handOver(to: string, force: boolean): Promise<HandOverAnswer>;
  /** R10: from here on nobody takes over by itself. */
  pause(): Promise<PauseAnswer>;
  resume(): Promise<PauseAnswer>;
}

export interface ReleaseAnswer {
  /** Whether there was an ownership to release. */
  owned: boolean;
  /** Whether the release was written; an owner may not write it while earlier writes of it may still land (R8). */
  released: boolean;
  epoch: number;
  /** R10: nobody will follow by itself. */
  paused: boolean;
  reason: string;
}

/** `refused`: not in this state. `wrong`: never as it was asked. */
export interface OrderAnswer {
  outcome: 'taken' | 'refused' | 'wrong';
  reason: string;
}

export interface HandOverAnswer extends OrderAnswer {
  /** Whether the release that names the successor was written. */
  released: boolean;
  /** The epoch that ended. */
  epoch: number;
  /** Milliseconds within which somebody owns the area again (promise (c)), whoever that is and if nothing else goes wrong. */
  boundMs: number;
}

export interface PauseAnswer extends OrderAnswer {
  /** The pause in force afterwards; null for none. */
  pause: Pause | null;
}
