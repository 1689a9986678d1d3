import type { OwnershipRecord } from '../types.ts';
import type { Disk } from './disk.fixture.ts';
import type { Judge } from './judge.fixture.ts';
import type { Outcome } from './plan.fixture.ts';
import type { Requests } from './requests.fixture.ts';
import type { Server, Stage } from './stage.fixture.ts';

/**
 * The gate in front of the data area, without drain: it lets in the owner in the record, shuts out whoever was in
 * before, and never goes back. Epoch 0 is the method as published: everybody is let in, nobody is shut out.
 */
export class StorageNode {
  readonly dataWrites: Outcome['dataWrites'] = { accepted: 0, refused: 0 };
  readonly landed: Outcome['landed'] = [];
  readonly #stage: Stage;
  readonly #judge: Judge;
  readonly #requests: Requests;
  readonly #disk: Disk;
  #grant = { epoch: 0, incarnation: '' };

  constructor(stage: Stage, judge: Judge, disk: Disk, requests: Requests) {
    this.#stage = stage;
    this.#judge = judge;
    this.#requests = requests;
    this.#disk = disk;
    disk.onRecord = (record) => this.#landed(record);
  }

  /** R7: obtain the data area. */
  obtain(server: Server, epoch: number): void {
    const stage = this.#stage;
    const at = stage.now + this.#requests.latency() * 2;
    if (this.#requests.cutAt(server, stage.now) !== undefined) {
      return stage.deliver(server, at, (at) => ({ kind: 'access-failed', at, epoch, reason: 'no answer' }));
    }
    stage.deliver(server, at, (at) => {
      if (!this.#admits(epoch, server.identity.incarnation)) {
        const { epoch: grantedEpoch } = this.#grant;
        return { kind: 'access-refused', at, epoch, grantedEpoch, reason: `epoch ${grantedEpoch}` };
      }
      server.accessEpoch = epoch;
      this.#judge.letIn(server, epoch);
      return { kind: 'access-granted', at, epoch };
    });
  }

  /** The service writes to the data area as long as it runs, let in or not; what it wrote may arrive late. */
  serve(server: Server, serving = server.serving): void {
    const stage = this.#stage;
    if (serving === undefined || server.serving !== serving) return;
    // Paused in the middle of a write: that write goes out before the agent has woken up.
    const again = (at: number) => stage.schedule(at, () => this.serve(server, serving));
    if (stage.now < server.stalledUntil) return again(server.stalledUntil);
    const { node, identity } = server;
    const at = stage.now + this.#requests.latency() + this.#requests.delayOf(server, undefined);
    if (at !== Infinity) stage.schedule(at, () => this.#writeData(node, serving.epoch, identity.incarnation));
    again(stage.now + identity.timings.intervalMs / 3);
  }

  /** Started again without its last grant: every connection is gone, and the record is read once more. */
  forget(): void {
    const area = this.#disk.read();
    this.#grant = { epoch: this.#stage.plan.floorOf?.(area) ?? 0, incarnation: '' };
    if (area.record.kind === 'valid') this.#grantTo(area.record.value);
    for (const server of this.#stage.servers) this.#end(server);
  }

  #writeData(node: string, epoch: number, incarnation: string): void {
    if (!this.#admits(epoch, incarnation)) {
      this.dataWrites.refused += 1;
      return;
    }
    this.dataWrites.accepted += 1;
    this.#judge.changedData(node, incarnation);
  }

  #admits(epoch: number, incarnation: string): boolean {
    return epoch === 0 || (epoch === this.#grant.epoch && incarnation === this.#grant.incarnation);
  }

  #landed(record: OwnershipRecord): void {
    this.landed.push({ at: this.#stage.now, record });
    this.#grantTo(record);
  }

  #grantTo({ status, epoch, incarnation }: OwnershipRecord): void {
    if (status === 0 || epoch <= this.#grant.epoch) return;
    this.#grant = { epoch, incarnation };
    for (const server of this.#stage.servers) {
      if (server.accessEpoch === undefined) continue;
      if (!this.#admits(server.accessEpoch, server.identity.incarnation)) this.#end(server);
    }
  }

  /** Its connection to the data area ends. */
  #end(server: Server): void {
    const { accessEpoch: epoch } = server;
    if (epoch === undefined) return;
    const stage = this.#stage;
    server.accessEpoch = undefined;
    if (this.#requests.cutAt(server, stage.now) !== undefined) return;
    const reason = 'connection ended';
    const at = stage.now + this.#requests.latency();
    stage.deliver(server, at, (at) => ({ kind: 'access-lost', at, epoch, reason }));
  }
}
