import type { Effect, Event, NodeSlot, OwnershipRecord } from '../types.ts';
import type { Server, Stage } from './stage.fixture.ts';

/** Compares what happens with what is promised (PROTOCOL.md, end of part 2), and keeps what did not hold. */
export class Judge {
  readonly violations: string[] = [];
  readonly #stage: Stage;
  readonly #written = new Set<string>();
  readonly #claims = new Map<number, string>();
  /** By incarnation: the newest record it read, and the highest epoch there was when it was last told to resume. */
  readonly #newest = new Map<string, OwnershipRecord>();
  readonly #lifted = new Map<string, number>();
  #highest = -1;
  /** Incarnations in the order in which they were let into the data area. */
  readonly #letIn: { node: string; incarnation: string; epoch: number }[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Promise (a): at any time at most one server is active and within its lease. */
  alone(server: Server): void {
    const { now, servers } = this.#stage;
    if (server.holdsUntil === undefined || server.holdsUntil <= now) return;
    for (const other of servers) {
      if (other === server || other.holdsUntil === undefined || other.holdsUntil <= now) continue;
      const leftMs = (other.holdsUntil - now).toFixed(1);
      this.#violated(`(a) ${server.node} is active ${leftMs} ms before the lease of ${other.node} ends`);
    }
  }

  letIn({ node, identity }: Server, epoch: number): void {
    this.#letIn.push({ node, incarnation: identity.incarnation, epoch });
  }

  /** Promise (b): no write of a former owner changes the data area after a newer one was let in. */
  changedData(node: string, incarnation: string): void {
    const last = this.#letIn.at(-1);
    if (last?.incarnation === incarnation) return;
    this.#violated(
      `(b) a write of ${node} changed the data after ${last?.node} was let in, epoch ${last?.epoch}`,
    );
  }

  /** R3: no epoch is claimed twice; and no record is ever written twice. */
  writesRecord({ node }: Server, record: OwnershipRecord): void {
    const { incarnation, epoch } = record;
    // The method as published has no epochs and writes the same bytes twice; it never promised otherwise.
    if (epoch === 0) return;
    this.#unique(node, `record ${JSON.stringify(record)}`);
    if (!isClaim(record)) return;
    const claimant = this.#claims.get(epoch);
    if (claimant !== undefined && !this.#stage.plan.lateSlots) {
      this.#violated(`(R3) epoch ${epoch} is claimed by ${claimant} and then by ${incarnation}`);
    }
    this.#claims.set(epoch, incarnation);
  }

  /** R10: nobody claims by itself while the newest record it read is paused; `effects` are what follows from `event`. */
  claims({ node, identity }: Server, event: Event, effects: readonly Effect[]): void {
    const { incarnation } = identity;
    if (event.kind === 'resume') this.#lifted.set(incarnation, this.#highest);
    if (event.kind !== 'read' || event.area.record.kind !== 'valid') return;
    const record = event.area.record.value;
    const newest = newestOf(this.#newest.get(incarnation), record);
    this.#newest.set(incarnation, newest);
    this.#highest = Math.max(this.#highest, record.epoch);
    if (newest.pause === null || newest.epoch <= (this.#lifted.get(incarnation) ?? -1)) return;
    if (record.status === 0 && record.node === '' && record.successor === node) return;
    if (!effects.some((effect) => effect.do === 'write-record' && isClaim(effect.record))) return;
    this.#violated(`(R10) ${node} claims although the record of epoch ${newest.epoch} is paused`);
  }

  writesSlot({ node }: Server, slot: NodeSlot): void {
    this.#unique(node, `slot ${JSON.stringify(slot)}`);
  }

  #unique(node: string, bytes: string): void {
    if (this.#written.has(bytes)) this.#violated(`(bytes) ${node} wrote the same bytes twice: ${bytes}`);
    this.#written.add(bytes);
  }

  #violated(what: string): void {
    this.violations.push(`${what}, at ${this.#stage.now.toFixed(1)}`);
  }
}

function isClaim({ status, node }: OwnershipRecord): boolean {
  return status === 0 && node !== '';
}

function newestOf(former: OwnershipRecord | undefined, record: OwnershipRecord): OwnershipRecord {
  if (former === undefined || record.epoch > former.epoch) return record;
  return record.epoch === former.epoch && record.count >= former.count ? record : former;
}
