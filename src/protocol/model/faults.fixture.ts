import type { Role } from '../types.ts';
import type { Disk } from './disk.fixture.ts';
import type { Fault, Target } from './plan.fixture.ts';
import type { Server, Stage } from './stage.fixture.ts';

/** What only the world can do to a server. */
export interface Hands {
  kill(server: Server): void;
  boot(server: Server): void;
  forget(): void;
}

/** Carries out the faults of a plan. */
export class Faults {
  readonly #stage: Stage;
  readonly #disk: Disk;
  readonly #hands: Hands;
  /** By fault: how often what it waits for has been done. */
  readonly #seen = new Map<Fault, number>();

  constructor(stage: Stage, disk: Disk, hands: Hands) {
    this.#stage = stage;
    this.#disk = disk;
    this.#hands = hands;
    for (const fault of stage.plan.faults) {
      if ('at' in fault.when) stage.schedule(fault.when.at, () => this.#strike(fault));
    }
  }

  /** Faults that wait for something to be done for the nth time. */
  did(server: Server, what: Role | 'decided'): void {
    const { now, plan } = this.#stage;
    for (const fault of plan.faults) {
      const { when } = fault;
      if ('at' in when || when.on !== what || now < when.fromAt) continue;
      const nth = (this.#seen.get(fault) ?? 0) + 1;
      this.#seen.set(fault, nth);
      if (nth !== when.nth) continue;
      if (when.afterMs === 0) this.#strike(fault, server);
      else this.#stage.schedule(now + when.afterMs, () => this.#strike(fault, server));
    }
  }

  #strike(fault: Fault, subject?: Server): void {
    if (this.#stage.quiet) return;
    if (fault.kind === 'wipe') return this.#disk.wipe();
    if (fault.kind === 'damage') return this.#disk.damage(this.#stage.random.next());
    if (fault.kind === 'forget') return this.#hands.forget();
    if (fault.kind === 'lay-out') return this.#disk.layOut(fault.timings);
    const server = fault.server === 'subject' ? subject : this.#targetOf(fault.server);
    if (server !== undefined) this.#hurt(server, fault);
  }

  #hurt(server: Server, fault: Exclude<Fault, { kind: 'wipe' | 'damage' | 'forget' | 'lay-out' }>): void {
    const stage = this.#stage;
    const { now } = stage;
    switch (fault.kind) {
      case 'hesitate':
        server.hesitateMs = fault.forMs;
        return;
      case 'linger':
        server.lingerMs = fault.forMs;
        return;
      case 'stall':
        return stage.stall(server, now + fault.forMs);
      case 'crash':
        this.#hands.kill(server);
        stage.disturbedUntil(now + fault.forMs);
        return stage.schedule(now + fault.forMs, () => this.#hands.boot(server));
      case 'cut':
        server.cuts.push({ from: now, to: now + fault.forMs, lands: fault.lands });
        return stage.disturbedUntil(now + fault.forMs);
      case 'hold':
        server.holds.push({ status: fault.status, forMs: fault.forMs });
        return;
      case 'error':
        server.errors.push({ status: fault.status, forMs: fault.forMs, lands: fault.lands });
        return;
      case 'release':
        // oxlint-disable-next-line unicorn/no-thenable -- the field's name, not a promise
        return stage.deliver(server, now, (at) => ({ kind: 'release', at, then: 'observe' }));
      case 'hand-over': {
        const { servers } = stage;
        const to = servers[(server.index + 1) % servers.length]!.node;
        const { force } = fault;
        return stage.deliver(server, now, (at) => ({ kind: 'hand-over', at, to, force }));
      }
      case 'pause':
        return stage.deliver(server, now, (at) => ({ kind: 'pause', at, wallMs: Math.round(now) }));
      case 'resume':
        return stage.deliver(server, now, (at) => ({ kind: 'resume', at }));
      case 'exit':
        if (server.serving === undefined) return;
        server.serving = undefined;
        stage.deliver(server, now, (at) => ({ kind: 'service-ended', at, reason: 'exit 1' }));
    }
  }

  #targetOf(target: Exclude<Target, 'subject'>): Server | undefined {
    const { servers, random } = this.#stage;
    if (typeof target === 'number') return servers[target % servers.length];
    const alive = servers.filter(({ machine }) => machine !== undefined);
    const wanted = alive.filter(({ holdsUntil }) => (holdsUntil !== undefined) === (target === 'active'));
    return wanted[Math.floor(random.next() * wanted.length)];
  }
}
