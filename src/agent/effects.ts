import { RequestFailed } from '../ports/block-device.ts';
import type { AccessOutcome } from '../ports/data-access.ts';
import type { Effect, Event } from '../protocol/types.ts';
import { inNanoseconds } from './journal-entry.ts';
import { QuorumArea } from './quorum-area.ts';
import type { AgentPorts, AgentSetup } from './setup.ts';

type EffectOf<Do extends Effect['do']> = Extract<Effect, { do: Do }>;

/**
 * Carries out effects, each begun before this returns, and posts what comes of it as an event. `startedAt` is taken
 * right before a request is issued and `at` right after its answer was seen: the rules lean on exactly that.
 */
export class Effects {
  readonly #setup: AgentSetup;
  readonly #ports: AgentPorts;
  readonly #area: QuorumArea;
  readonly #post: (event: Event) => void;
  readonly #fail: (error: unknown) => void;
  #callOffWake: () => void = () => {};
  /** Contract of the protocol: at most one record operation, and one slot write beside it. */
  #underWay = { record: false, slot: false };

  constructor(
    setup: AgentSetup,
    ports: AgentPorts,
    then: { post: (event: Event) => void; fail: (error: unknown) => void },
  ) {
    this.#setup = setup;
    this.#ports = ports;
    this.#area = new QuorumArea(ports.quorum, setup.header, setup.index, requestDeadlineMs(setup));
    this.#post = then.post;
    this.#fail = then.fail;
    ports.data.onLost((epoch, reason) => this.#post({ kind: 'access-lost', at: this.#now(), epoch, reason }));
    ports.service.onEnded((reason) => this.#post({ kind: 'service-ended', at: this.#now(), reason }));
  }

  carryOut(effect: Effect): void {
    const { journal, service, data } = this.#ports;
    switch (effect.do) {
      case 'read':
        return this.#run('record', this.read('read'));
      case 'write-record':
        return this.#run('record', this.#writeRecord(effect));
      case 'write-slot':
        return this.#run('slot', this.#writeSlot(effect));
      case 'wake':
        return this.#wake(effect.at);
      case 'lease':
        return service.extend(effect.endsAt);
      case 'obtain':
        return this.#run(undefined, this.#obtain(effect.epoch));
      case 'give-up-access':
        return this.#run(undefined, this.#silently(data.giveUp()));
      case 'start-service':
        return this.#run(undefined, this.#startService(effect.epoch));
      case 'stop-service':
        return this.#run(undefined, this.#stopService(effect));
      case 'journal':
        return journal.write(inNanoseconds(effect.entry));
      case 'end':
        return this.#callOffWake(); // The rest is the agent's own.
    }
  }

  /** One read of the area; `kind` is that of the event when it succeeds. */
  async read(kind: 'start' | 'read'): Promise<Event> {
    const startedAt = this.#now();
    try {
      const bytes = await this.#area.read();
      const at = this.#now();
      return { kind, at, startedAt, area: this.#area.decode(bytes) };
    } catch (error) {
      return { kind: 'read-failed', at: this.#now(), startedAt, reason: (error as Error).message };
    }
  }

  async #writeRecord({ record }: EffectOf<'write-record'>): Promise<Event> {
    const startedAt = this.#now();
    try {
      await this.#area.writeRecord(record);
      return { kind: 'written', at: this.#now(), startedAt };
    } catch (error) {
      const outcome = error instanceof RequestFailed && error.effect === 'none' ? 'failed' : 'unknown';
      return { kind: 'write-failed', at: this.#now(), startedAt, outcome, reason: (error as Error).message };
    }
  }

  async #writeSlot({ slot }: EffectOf<'write-slot'>): Promise<Event> {
    try {
      await this.#area.writeSlot(slot);
      return { kind: 'slot-written', at: this.#now(), slot };
    } catch (error) {
      return { kind: 'slot-write-failed', at: this.#now(), slot, reason: (error as Error).message };
    }
  }

  async #obtain(epoch: number): Promise<Event> {
    const outcome = await this.#ports.data.obtain(epoch, this.#setup.header.timings.deadlineMs);
    return accessEvent(outcome, epoch, this.#now());
  }

  async #startService(epoch: number): Promise<Event> {
    try {
      const pid = await this.#ports.service.start(this.#environment(epoch));
      return { kind: 'service-started', at: this.#now(), pid };
    } catch (error) {
      return { kind: 'service-failed', at: this.#now(), reason: (error as Error).message };
    }
  }

  async #stopService({ how, byAt }: EffectOf<'stop-service'>): Promise<Event> {
    await this.#ports.service.stop(how, byAt);
    return { kind: 'service-ended', at: this.#now(), reason: 'stopped' };
  }

  async #silently(done: Promise<void>): Promise<undefined> {
    await done;
    return undefined;
  }

  #environment(epoch: number): Record<string, string> {
    const { node, incarnation, header } = this.#setup;
    return {
      ARBITER_NODE: node,
      ARBITER_EPOCH: String(epoch),
      ARBITER_INCARNATION: incarnation,
      ARBITER_DATA_URI: this.#ports.data.uriFor(epoch),
      ARBITER_CLUSTER: header.clusterId,
    };
  }

  #wake(at: number): void {
    this.#callOffWake();
    const { clock } = this.#ports;
    // What is due already is due now.
    const dueAt = Math.max(at, clock.nowMs());
    this.#callOffWake = clock.at(at, () => {
      const now = clock.nowMs();
      this.#wokenUp(dueAt, now - dueAt);
      this.#post({ kind: 'tick', at: now });
    });
  }

  #wokenUp(dueAt: number, lateMs: number): void {
    if (lateMs <= this.#setup.header.timings.intervalMs / 2) return;
    const late = { dueAt: Math.round(dueAt * 1e6), lateMs: Math.round(lateMs) };
    this.#ports.journal.write({ event: 'late', ...late });
  }

  #run(track: 'record' | 'slot' | undefined, outcome: Promise<Event | undefined>): void {
    if (track !== undefined) {
      if (this.#underWay[track]) throw new Error(`agent: two ${track} operations at a time`);
      this.#underWay[track] = true;
    }
    outcome.then((event) => {
      if (track !== undefined) this.#underWay[track] = false;
      if (event !== undefined) this.#post(event);
    }, this.#fail);
  }

  #now(): number {
    return this.#ports.clock.nowMs();
  }
}

function accessEvent(outcome: AccessOutcome, epoch: number, at: number): Event {
  if (outcome.kind === 'granted') return { kind: 'access-granted', at, epoch };
  const { reason } = outcome;
  if (outcome.kind === 'failed') return { kind: 'access-failed', at, epoch, reason };
  return { kind: 'access-refused', at, epoch, grantedEpoch: outcome.grantedEpoch, reason };
}

/** The method as published knows no deadline: a contender waits for its write however long that takes. That is the slow contender. */
function requestDeadlineMs({ protocol, header }: AgentSetup): number {
  return protocol === 'literal' ? LITERAL_DEADLINE_MS : header.timings.deadlineMs;
}

const LITERAL_DEADLINE_MS = 60_000;
