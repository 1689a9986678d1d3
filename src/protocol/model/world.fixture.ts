import type { Effect, Event, ProtocolEntry } from '../types.ts';
import { Disk } from './disk.fixture.ts';
import { Faults } from './faults.fixture.ts';
import { Judge } from './judge.fixture.ts';
import type { Outcome, Plan } from './plan.fixture.ts';
import { Requests } from './requests.fixture.ts';
import { type Server, Stage } from './stage.fixture.ts';
import { StorageNode } from './storage-node.fixture.ts';

/**
 * A small world: servers with clocks of their own rate, one disk with late effects, a gate, and the faults of a plan.
 * Slot writes and the data area are simpler than in the real one: no torn sectors, one path per server, no drain.
 */
export function run(plan: Plan): Outcome {
  return new World(plan).run();
}

/** How long the service takes to come up. */
export const SERVICE_START_MS = 20;
/** How long until an agent that ended with an error is started again. */
const RESTART_MS = 1000;

class World {
  readonly #stage: Stage;
  readonly #disk: Disk;
  readonly #requests: Requests;
  readonly #judge: Judge;
  readonly #storage: StorageNode;
  readonly #faults: Faults;
  readonly #journal: Outcome['journal'] = [];
  readonly #takeovers: Outcome['takeovers'] = [];

  constructor(plan: Plan) {
    this.#stage = new Stage(plan, (server, event) => this.#step(server, event));
    this.#disk = new Disk(
      plan.timings,
      this.#stage.servers.map(({ node }) => node),
    );
    this.#requests = new Requests(this.#stage, this.#disk);
    this.#judge = new Judge(this.#stage);
    this.#storage = new StorageNode(this.#stage, this.#judge, this.#disk, this.#requests);
    this.#faults = new Faults(this.#stage, this.#disk, {
      kill: (server) => this.#kill(server),
      boot: (server) => this.#boot(server),
      forget: () => this.#storage.forget(),
    });
  }

  run(): Outcome {
    const { servers, random } = this.#stage;
    for (const server of servers) {
      this.#stage.schedule(random.between(0, 100), () => this.#boot(server));
    }
    this.#resumeInTheEnd();
    const { violations } = this.#judge;
    this.#stage.play(() => violations.length > 0 && this.#stage.plan.toTheEnd !== true);
    const serving = servers.map((server) => server.serving?.startedAt).filter((at) => at !== undefined);
    return {
      violations,
      takeovers: this.#takeovers,
      dataWrites: this.#storage.dataWrites,
      calmSince: this.#stage.calmSince,
      servingSince: serving.length === 0 ? undefined : Math.min(...serving),
      landed: this.#storage.landed,
      journal: this.#journal,
    };
  }

  /** Where there was a pause, somebody asks for its end until there is one. */
  #resumeInTheEnd(): void {
    const { plan, servers } = this.#stage;
    if (!plan.faults.some(({ kind }) => kind === 'pause')) return;
    for (let at = plan.quietAt; at < plan.untilAt; at += plan.timings.intervalMs) {
      this.#stage.schedule(at, () => {
        for (const server of servers) this.#stage.deliver(server, at, (at) => ({ kind: 'resume', at }));
      });
    }
  }

  #kill(server: Server): void {
    server.life += 1;
    server.machine = undefined;
    server.holdsUntil = undefined;
    server.serving = undefined;
    server.serviceLife += 1;
    server.accessEpoch = undefined;
    server.stalledUntil = 0;
    server.hesitateMs = 0;
    server.lingerMs = 0;
  }

  #boot(server: Server): void {
    if (server.machine !== undefined) return;
    const stage = this.#stage;
    const incarnation = `${server.index}${String(server.life).padStart(31, '0')}`;
    // R0: the timings are those in the header as it stands now.
    server.identity = { ...server.identity, incarnation, timings: this.#disk.timings };
    const startedAt = stage.local(server, stage.now);
    const area = this.#disk.read();
    server.machine = stage.plan.machine(server.identity);
    stage.deliver(server, stage.now + this.#requests.latency(), (at) => ({
      kind: 'start',
      at,
      startedAt,
      area,
    }));
  }

  #step(server: Server, event: Event): void {
    const { life } = server;
    const effects = server.machine!(event);
    this.#judge.claims(server, event, effects);
    for (const effect of effects) if (server.life === life) this.#carryOut(server, effect);
    this.#judge.alone(server);
  }

  #carryOut(server: Server, effect: Effect): void {
    switch (effect.do) {
      case 'read':
        return this.#requests.read(server);
      case 'write-record':
        this.#judge.writesRecord(server, effect.record);
        return this.#requests.writeRecord(server, effect.record);
      case 'write-slot':
        this.#judge.writesSlot(server, effect.slot);
        return this.#requests.writeSlot(server, effect.slot);
      case 'wake':
        return this.#wake(server, effect.at);
      case 'lease':
        if (server.holdsUntil !== undefined) server.holdsUntil = this.#stage.global(server, effect.endsAt);
        return;
      case 'obtain':
        return this.#storage.obtain(server, effect.epoch);
      case 'give-up-access':
        server.accessEpoch = undefined;
        return;
      case 'start-service':
        return this.#startService(server, effect.epoch);
      case 'stop-service':
        return this.#stopService(server, effect);
      case 'journal':
        return this.#record(server, effect.entry);
      case 'end':
        return this.#end(server, effect.exitCode);
    }
  }

  #wake(server: Server, localAt: number): void {
    const stage = this.#stage;
    const wake = (server.wake += 1);
    const lateMs = stage.plan.pace?.lateMs(server.index) ?? stage.random.between(0, 1);
    const at = Math.max(stage.now, stage.global(server, localAt)) + lateMs;
    stage.schedule(at, () => {
      if (server.wake === wake) stage.deliver(server, stage.now, (at) => ({ kind: 'tick', at }));
    });
  }

  #startService(server: Server, epoch: number): void {
    const stage = this.#stage;
    const serviceLife = (server.serviceLife += 1);
    stage.deliver(server, stage.now + SERVICE_START_MS, (at) => {
      if (server.serviceLife === serviceLife) {
        server.serving = { startedAt: stage.now, epoch };
        this.#storage.serve(server);
      }
      return { kind: 'service-started', at, pid: 1 };
    });
  }

  #stopService(server: Server, { how, byAt }: Extract<Effect, { do: 'stop-service' }>): void {
    const stage = this.#stage;
    server.serviceLife += 1;
    const killedAt = Math.max(stage.now, stage.global(server, byAt));
    const at = how === 'now' ? stage.now : Math.min(killedAt, stage.now + stage.random.between(1, 2000));
    stage.deliver(server, at + 1, (at) => {
      server.serving = undefined;
      return { kind: 'service-ended', at, reason: 'stopped' };
    });
  }

  #record(server: Server, entry: ProtocolEntry): void {
    const at = this.#stage.now;
    this.#journal.push({ at, server: server.index, entry });
    if (entry.event === 'decided') this.#faults.did(server, 'decided');
    if (entry.event !== 'role') return;
    if (entry.to === 'active') {
      server.holdsUntil = Infinity;
      this.#takeovers.push({ at, server: server.index, epoch: entry.epoch });
    } else if (entry.to !== 'stopping') server.holdsUntil = undefined;
    this.#faults.did(server, entry.to);
  }

  #end(server: Server, exitCode: number): void {
    const stage = this.#stage;
    this.#kill(server);
    if (exitCode === 0) return;
    stage.disturbedUntil(stage.now + RESTART_MS);
    stage.schedule(stage.now + RESTART_MS, () => this.#boot(server));
  }
}
