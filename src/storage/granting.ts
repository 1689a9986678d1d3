import type { Grant } from '../ports/audit.ts';
import type { Audit } from './audit.ts';
import { type GrantAction, type GrantEvent, type GrantState, initialGrants, judge } from './grants.ts';
import { type Judgement, lastEpoch, stepGrants } from './grants.ts';
import type { GrantStore, Kept } from './grant-store.ts';
import { TellOnce } from './tell-once.ts';
import { systemReason } from './unusable.ts';

/** How the storage node takes the data area away from everybody. */
interface Fence {
  /** Ends every data connection at once; resolves when nothing that came over them can still be written. */
  fence(grant: Grant): Promise<{ connectionsEnded: number; writesAwaited: number }>;
}

export interface GrantingParts {
  store: GrantStore;
  /** What `store` remembers. */
  kept: Kept;
  /** Of the area whose record was read last. */
  clusterId(): string | null;
  fence: Fence;
  audit: Audit;
  /** Called after every change: who waits may have something decided. */
  onChange(): void;
  /** A grant could not be made durable: one line for people. */
  onTrouble(line: string): void;
}

/** Carries out what `grants.ts` decides. */
export class Granting {
  readonly #parts: GrantingParts;
  readonly #unkept: TellOnce;
  #state: GrantState;

  constructor(parts: GrantingParts) {
    this.#parts = parts;
    this.#unkept = new TellOnce(parts.onTrouble);
    this.#state = initialGrants(parts.kept);
  }

  get state(): GrantState {
    return this.#state;
  }

  get lastEpoch(): number {
    return lastEpoch(this.#state);
  }

  recordSeen(owned: Grant | null): void {
    this.#apply({ event: 'record', owned });
  }

  judge(wanted: Grant): Judgement {
    return judge(this.#state, wanted);
  }

  #apply(event: GrantEvent): void {
    const { state, action } = stepGrants(this.#state, event);
    this.#state = state;
    if (action !== null) void this.#carryOut(action);
    this.#parts.onChange();
  }

  async #carryOut(action: GrantAction): Promise<void> {
    switch (action.do) {
      case 'store':
        return this.#apply({ event: (await this.#stored(action.grant)) ? 'stored' : 'store-failed' });
      case 'fence': {
        const { grant, previousEpoch } = action;
        const beganAt = performance.now();
        this.#parts.audit.write({ event: 'grant', ...grant, previousEpoch });
        const fenced = await this.#parts.fence.fence(grant);
        const drainMs = Math.round((performance.now() - beganAt) * 1000) / 1000;
        this.#parts.audit.write({ event: 'drained', epoch: grant.epoch, ...fenced, drainMs });
        return this.#apply({ event: 'drained' });
      }
      case 'open':
    }
  }

  async #stored(grant: Grant): Promise<boolean> {
    try {
      const clusterId = this.#parts.clusterId();
      await this.#parts.store.save({ granted: grant, floor: 0, clusterId });
      this.#unkept.over();
      return true;
    } catch (error) {
      this.#unkept.trouble(
        `storage: epoch ${grant.epoch} is not granted, for ${this.#parts.store.path} cannot be written ` +
          `(${systemReason(error)}): nobody but the owner of epoch ${this.lastEpoch} is let into the data area; make it ` +
          'writable, and the next heartbeat tries again',
      );
      return false;
    }
  }
}
