import type { NodeSlot, OwnershipRecord } from '../types.ts';
import type { Server, Stage } from './stage.fixture.ts';

/** Compares what happens with what is promised (PROTOCOL.md, end of part 2), and keeps what did not hold. */
export class Judge {
  readonly violations: string[] = [];
  readonly #stage: Stage;
  readonly #written = new Set<string>();
  readonly #claims = new Map<number, string>();
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
    const { incarnation, status, epoch } = record;
    // The method as published has no epochs and writes the same bytes twice; it never promised otherwise.
    if (epoch === 0) return;
    this.#unique(node, `record ${JSON.stringify(record)}`);
    if (status !== 0 || record.node === '') return;
    const claimant = this.#claims.get(epoch);
    if (claimant !== undefined && !this.#stage.plan.lateSlots) {
      this.#violated(`(R3) epoch ${epoch} is claimed by ${claimant} and then by ${incarnation}`);
    }
    this.#claims.set(epoch, incarnation);
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
