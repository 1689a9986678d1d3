import { setTimeout as delay } from 'node:timers/promises';
import { deathWaitMs } from '../../src/protocol/timing.ts';
import type { Timings } from '../../src/protocol/types.ts';
import { LineWaiter } from '../engines/bring-up.ts';
import type { World, WorldLine } from '../engines/engine.ts';
import type { FaultOptions, Injection } from '../faults/fault.ts';
import { faultNamed } from '../faults/index.ts';
import { Client } from './client.ts';
import type { ClusterView } from './cluster-view.ts';
import { type Expectation, ExpectationMissed } from './expectations.ts';
import { Never } from './never.ts';
import { nowNs } from './now.ts';
import { type Hit, measuredFrom } from './hit.ts';
import { Orders } from './orders.ts';
import type { Recorder } from './recorder.ts';
import { type Trespass, tryTrespass } from './trespass.ts';

export interface Takeover {
  server: string;
  epoch: number;
  /** When the new owner's service had started, monotonic nanoseconds. */
  t: number;
}

/** A fault in the hands of a scenario. */
export interface FaultHandle {
  /** When it was seen to be effective, monotonic nanoseconds; for an armed one: resolves when it is. */
  effective: Promise<number>;
  target: string;
  heal(): Promise<void>;
}

/**
 * What a scenario talks to. Time passes only through it, so that the same scenario runs on every engine; every call
 * leaves its trace in the history, and nothing is believed that was not seen.
 */
export class Lab {
  readonly servers: readonly string[];
  readonly client: Client;
  /** What a person asks of the agents: hand-over, pause, resume. */
  readonly orders: Orders;
  readonly #world: World;
  readonly #view: ClusterView;
  readonly #lines: LineWaiter;
  readonly #recorder: Recorder;
  readonly #timings: Timings;
  readonly #handles: FaultHandle[] = [];
  readonly #never: Never;
  /** What last happened to this server: where a takeover from it is measured from. */
  readonly #hits = new Map<string, Hit>();
  #faults = 0;

  constructor(world: World, view: ClusterView, lines: LineWaiter, recorder: Recorder, timings: Timings) {
    this.#world = world;
    this.#view = view;
    this.#lines = lines;
    this.#recorder = recorder;
    this.#timings = timings;
    this.servers = view.names;
    this.client = new Client(lines);
    this.#never = new Never(recorder);
    this.orders = new Orders(world, lines, recorder, (server, hit) => void this.#hits.set(server, hit));
  }

  /** The longest anything is awaited: several times promise (c), whose own bound is for the checkers to judge. */
  get patienceMs(): number {
    return 4 * deathWaitMs(this.#timings) + 12_000;
  }

  async start(...servers: string[]): Promise<void> {
    for (const server of servers) {
      this.#view.powerOn(server);
      await this.#world.startServer(server);
    }
  }

  /** The server whose service runs; waits until there is one. */
  async activeServer(): Promise<string> {
    return (await this.#serving(() => true, 'some server to serve')).server;
  }

  /** A server that stands by; waits until there is one. */
  async standby(): Promise<string> {
    await this.#poll(() => this.#view.standbys.length > 0, 'some server to stand by');
    return this.#view.standbys[0]!;
  }

  /** Resolves when this very server serves. */
  async serving(server: string): Promise<Takeover> {
    return this.#serving((name) => name === server, `${server} to serve`);
  }

  /** Resolves when every standby has seen this owner's count change: only then need it not wait D after a release (R8). */
  async seenAlive(owner: string): Promise<void> {
    const { epoch } = this.#view.server(owner);
    const counts = (standby: string) =>
      this.#recorder.lines.filter(
        (line) =>
          line.from === 'server' &&
          line.server === standby &&
          line.line.event === 'observed-change' &&
          line.line.status === 1 &&
          line.line.epoch === epoch,
      ).length;
    const holds = () => this.#view.standbys.every((standby) => counts(standby) >= 2);
    await this.#poll(holds, `every standby to see the heartbeat of ${owner}`);
  }

  /** Hurts, and resolves when the fault was seen to be effective. `active`, `standby` and `storage` are resolved now. */
  async fault(name: string, target: string, options: FaultOptions = {}): Promise<FaultHandle> {
    const handle = await this.arm(name, target, options);
    await handle.effective;
    return handle;
  }

  /** Sets a fault that takes effect later (a write that is to be held). */
  async arm(name: string, target: string, options: FaultOptions = {}): Promise<FaultHandle> {
    const fault = faultNamed(name);
    const resolved = await this.resolve(target);
    const id = ++this.#faults;
    const tell = (phase: 'requested' | 'effective' | 'healed' | 'recovered' | 'failed', detail: string) =>
      this.#recorder.event({ event: 'fault', id, fault: name, target: resolved, phase, detail }).t;
    const requestedT = tell('requested', target === resolved ? fault.summary : `${target} is ${resolved}`);
    let injection: Injection;
    try {
      injection = await fault.inject(
        { world: this.#world, view: this.#view, lines: this.#lines },
        resolved,
        options,
      );
    } catch (error) {
      tell('failed', (error as Error).message);
      throw error;
    }
    const effective = injection.effective.then((detail) => {
      const t = tell('effective', detail);
      this.#hits.set(resolved, name === 'stop' ? { t: requestedT, kind: 'let-go' } : { t, kind: 'fault' });
      if (name === 'kill' || name === 'stop') this.#ended(resolved);
      return t;
    });
    effective.catch((error: Error) => tell('failed', error.message));
    const handle = {
      effective,
      target: resolved,
      heal: this.#healing(injection, tell, fault.target, resolved),
    };
    this.#handles.push(handle);
    return handle;
  }

  /** What a symbolic target means right now; no such target is an error, never a guess. */
  async resolve(target: string): Promise<string> {
    if (target === 'active') return this.activeServer();
    if (target === 'standby') return this.standby();
    if (target !== 'storage') this.#view.server(target);
    return target;
  }

  /** A server other than `from` takes over and serves. Measured from the fault that hit `from`, its release, or an order. */
  async takeover(of: { from: string }): Promise<Takeover> {
    const { sinceT, since, skipsDeathWait } = measuredFrom(
      this.#hits.get(of.from),
      this.#lastRelease(of.from),
    );
    this.#recorder.event({ event: 'takeover-awaited', from: of.from, skipsDeathWait, sinceT, since });
    try {
      const next = await this.#serving(
        (name) => name !== of.from && this.#view.server(name).servingT > sinceT,
        `a takeover from ${of.from}`,
      );
      const seen = { from: of.from, to: next.server, epoch: next.epoch, sinceT, servingT: next.t };
      this.#recorder.event({ event: 'takeover-seen', ...seen });
      return next;
    } catch (error) {
      const waitedMs = (nowNs() - sinceT) / 1e6;
      this.#recorder.event({ event: 'takeover-missed', from: of.from, sinceT, waitedMs });
      throw error;
    }
  }

  /** Resolves when the world has said it (or had already said it since the scenario began), with when that was: monotonic nanoseconds. */
  async eventually(expectation: Expectation, withinMs = this.patienceMs): Promise<number> {
    const before = this.#recorder.lines.find((line) => expectation.fits(line));
    try {
      const seen =
        before ?? (await this.#lines.line((line) => expectation.fits(line), withinMs, expectation.what));
      this.#expected(expectation, true, 'seen');
      return 'line' in seen ? seen.line.t : nowNs();
    } catch {
      this.#expected(expectation, false, `not seen within ${Math.round(withinMs)} ms`);
      throw new ExpectationMissed(`${expectation.what}: not seen within ${Math.round(withinMs)} ms`);
    }
  }

  /** This must not be seen from here on, until the end of the scenario or until what is returned is called. */
  never(expectation: Expectation): () => void {
    return this.#never.forbid(expectation);
  }

  /** Deliberate trespass: a program inside the server tries the data area under a name that is not its to use. */
  trespass(server: string, op: 'read' | 'write', exportName: string): Promise<Trespass> {
    return tryTrespass(this.#world, this.#recorder, server, op, exportName);
  }

  /** Lets time pass. The only way for a scenario to do so without waiting for something to be seen. */
  async pass(ms: number): Promise<void> {
    await delay(ms);
  }

  /** Every scenario ends like this: everything healed, one active server again, a quiet period of acknowledged appends. */
  async finish(): Promise<void> {
    for (const handle of [...this.#handles].reverse()) await handle.heal();
    const { t } = this.#recorder.event({ event: 'healed' });
    const again = await this.#serving(
      (name) => this.#view.server(name).role !== 'off',
      'one active server after healing',
    );
    this.#recorder.event({
      event: 'serving-again',
      server: again.server,
      epoch: again.epoch,
      t: Math.max(t, again.t),
    });
    await this.client.appending(10);
    await this.#poll(
      () =>
        this.servers.every((name) =>
          ['standby', 'active', 'off', 'ended'].includes(this.#view.server(name).role),
        ),
      'every server that is on to stand by or to be active',
    );
    this.#never.tellAll();
  }

  #healing(
    injection: Injection,
    tell: (phase: 'healed' | 'recovered', detail: string) => number,
    kind: 'server' | 'storage',
    target: string,
  ): () => Promise<void> {
    let healed: Promise<void> | undefined;
    const heal = async () => {
      const detail = await injection.heal();
      tell('healed', detail);
      if (kind === 'storage') return;
      // Healed is not recovered: the server has recovered when it sees or writes the quorum area again.
      const sees = (line: WorldLine) =>
        line.from === 'server' &&
        line.server === target &&
        (line.line.event === 'lease' ||
          line.line.event === 'observed' ||
          line.line.event === 'observed-change');
      this.#lines
        .line(sees, this.patienceMs, `${target} to see the quorum area again`)
        .then(() => tell('recovered', 'sees the quorum area again'))
        .catch(() => {});
    };
    return () => (healed ??= heal());
  }

  #ended(server: string): void {
    this.#recorder.event({ event: 'process-ended', server, code: null, signal: 'SIGKILL', wanted: true });
  }

  #lastRelease(server: string): number {
    const lines = this.#recorder.lines.filter((line) => line.from === 'server' && line.server === server);
    const last = lines.findLast((line) => 'line' in line && line.line.event === 'released');
    return last !== undefined && last.from === 'server' ? last.line.t : 0;
  }

  #expected(expectation: Expectation, met: boolean, detail: string): void {
    const { what, otherwise } = expectation;
    this.#recorder.event({ event: 'expected', what, met, otherwise, detail });
  }

  async #serving(fits: (server: string) => boolean, what: string): Promise<Takeover> {
    await this.#poll(() => this.#view.serving.some(fits), what);
    const server = this.#view.serving.find(fits)!;
    const { epoch, servingT } = this.#view.server(server);
    return { server, epoch, t: servingT };
  }

  /** The view changes only when a line arrives, so it is looked at again then and at no other time. */
  async #poll(holds: () => boolean, what: string): Promise<void> {
    if (holds()) return;
    try {
      await this.#lines.line(() => holds(), this.patienceMs, what);
    } catch (error) {
      const roles = this.servers.map((name) => `${name} ${this.#view.server(name).role}`).join(', ');
      this.#recorder.event({ event: 'expected', what, met: false, otherwise: 'unknown', detail: roles });
      throw new ExpectationMissed(`${(error as Error).message}; there are: ${roles}`);
    }
  }
}
