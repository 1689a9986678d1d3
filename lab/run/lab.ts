import { setTimeout as delay } from 'node:timers/promises';
import { deathWaitMs } from '../../src/protocol/timing.ts';
import type { Timings } from '../../src/protocol/types.ts';
import { LineWaiter } from '../engines/bring-up.ts';
import type { World, WorldSpec } from '../engines/engine.ts';
import type { StorageKind } from '../engines/storage.ts';
import type { FaultOptions } from '../faults/fault.ts';
import { faultNamed } from '../faults/index.ts';
import { Client } from './client.ts';
import type { ClusterView } from './cluster-view.ts';
import { type Expectation, ExpectationMissed } from './expectations.ts';
import { type Fact, type Granted, lastGrant } from './facts.ts';
import { type FaultHandle, FaultsUnderWay } from './faults-under-way.ts';
import { Never } from './never.ts';
import { nowNs } from './now.ts';
import { type Hit, measuredFrom } from './hit.ts';
import { Orders } from './orders.ts';
import type { Recorder } from './recorder.ts';
import { changesSeen, slotSeen } from './seen-alive.ts';
import { everyServerLives, nobodyEndedUnasked } from './signs-of-life.ts';
import { queueWrites } from './queued-writes.ts';
import { type Trespass, tryTrespass } from './trespass.ts';
import { type Serving, Waits } from './waits.ts';

/**
 * What a scenario talks to. Time passes only through it, so that the same scenario runs on every engine; every call
 * leaves its trace in the history, and nothing is believed that was not seen.
 */
export class Lab {
  readonly servers: readonly string[];
  readonly client: Client;
  readonly storage: StorageKind;
  /** What a person asks of the agents: hand-over, pause, resume. */
  readonly orders: Orders;
  readonly #world: World;
  readonly #view: ClusterView;
  readonly #lines: LineWaiter;
  readonly #recorder: Recorder;
  readonly #timings: Timings;
  readonly #waits: Waits;
  readonly #faults: FaultsUnderWay;
  readonly #never: Never;
  /** What last happened to this server: where a takeover from it is measured from. */
  readonly #hits = new Map<string, Hit>();

  constructor(
    world: World,
    view: ClusterView,
    lines: LineWaiter,
    recorder: Recorder,
    { timings, storage }: Pick<WorldSpec, 'timings' | 'storage'>,
  ) {
    this.storage = storage;
    this.#world = world;
    this.#view = view;
    this.#lines = lines;
    this.#recorder = recorder;
    this.#timings = timings;
    this.servers = view.names;
    this.client = new Client(lines, recorder);
    this.#never = new Never(recorder);
    this.#waits = new Waits(view, lines, recorder, this.patienceMs);
    this.orders = new Orders(world, lines, recorder, (server, hit) => void this.#hits.set(server, hit));
    this.#faults = new FaultsUnderWay(
      { world, view, lines },
      recorder,
      this.patienceMs,
      (fault, target, { requestedT, t }) =>
        this.#hits.set(
          target,
          fault.name === 'stop' ? { t: requestedT, kind: 'let-go' } : { t, kind: 'fault' },
        ),
    );
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
    return (await this.#waits.serving(() => true, 'some server to serve')).server;
  }

  /** A server that stands by; waits until there is one. */
  async standby(): Promise<string> {
    await this.#waits.until(() => this.#view.standbys.length > 0, 'some server to stand by');
    return this.#view.standbys[0]!;
  }

  /** Resolves when this very server serves. */
  async serving(server: string): Promise<Serving> {
    return this.#waits.serving((name) => name === server, `${server} to serve`);
  }

  /**
   * Resolves when every other server that runs stands by, has seen this owner's count change, without which it would wait
   * D after a release (R8), and was itself seen by the owner, which hands nothing over to a server without life.
   */
  async seenAlive(owner: string): Promise<void> {
    const { epoch } = this.#view.server(owner);
    const know = () =>
      this.servers
        .filter((name) => name !== owner && this.#view.server(name).role !== 'off')
        .every(
          (name) =>
            this.#view.standbys.includes(name) &&
            changesSeen(this.#recorder.lines, name, epoch) >= 2 &&
            slotSeen(this.#recorder.lines, { of: this.#world.peerAddress(name), by: owner }),
        );
    await this.#waits.until(know, `${owner} and every standby to see each other's heartbeat`);
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
    return this.#faults.arm(fault, await this.resolve(target), target, options);
  }

  /** What a symbolic target means right now; no such target is an error, never a guess. */
  async resolve(target: string): Promise<string> {
    if (target === 'active') return this.activeServer();
    if (target === 'standby') return this.standby();
    if (target !== 'storage') this.#view.server(target);
    return target;
  }

  /** A server other than `from` takes over and serves. Measured from the fault that hit `from`, its release, or an order. */
  async takeover(of: { from: string }): Promise<Serving> {
    const { sinceT, since, skipsDeathWait } = measuredFrom(
      this.#hits.get(of.from),
      this.#lastRelease(of.from),
    );
    this.#recorder.event({ event: 'takeover-awaited', from: of.from, skipsDeathWait, sinceT, since });
    try {
      const next = await this.#waits.serving(
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

  /** Resolves when this is true of everything that was said since the scenario began; at once where it is already. */
  async becomes(fact: Fact): Promise<void> {
    await this.#waits.until(() => fact.shownBy(this.#recorder.lines) !== undefined, fact.what);
    this.holds(fact);
  }

  /** This is true of everything that was said since the scenario began; not waited for. */
  holds(fact: Fact): void {
    const detail = fact.shownBy(this.#recorder.lines);
    this.#expected(fact, detail !== undefined, detail ?? 'nothing shows it');
    if (detail === undefined) throw new ExpectationMissed(`${fact.what}: nothing shows it`);
  }

  /** What the storage node granted last, by its audit. */
  lastGrant(): Granted {
    const granted = lastGrant(this.#recorder.lines);
    if (granted === undefined) throw new Error('the storage node has not granted anything yet');
    return granted;
  }

  /** This must not be seen from here on, until the end of the scenario or until what is returned is called. */
  never(expectation: Expectation): () => void {
    return this.#never.forbid(expectation);
  }

  /** Deliberate trespass: a program inside the server tries the data area under a name that is not its to use. */
  trespass(server: string, op: 'read' | 'write', exportName: string): Promise<Trespass> {
    return tryTrespass(this.#world, this.#recorder, server, op, exportName);
  }

  /** So many writes of the owner, none of them answered, wait in the target, whose disk is slow; resolves when they do. */
  async queueWrites(owner: Granted, depth: number): Promise<void> {
    await queueWrites(this.#world, this.#recorder, owner, depth);
  }

  /** Lets time pass. The only way for a scenario to do so without waiting for something to be seen. */
  async pass(ms: number): Promise<void> {
    await delay(ms);
  }

  /** Every scenario ends like this: everything healed, one active server again, a quiet period of acknowledged appends, everybody alive. */
  async finish(): Promise<void> {
    await this.#faults.healAll();
    nobodyEndedUnasked(this.#recorder);
    const { t } = this.#recorder.event({ event: 'healed' });
    const again = await this.#waits.serving(
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
    await this.#waits.until(
      () => this.servers.every((name) => ['standby', 'active', 'off'].includes(this.#view.server(name).role)),
      'every server that is on to stand by or to be active',
    );
    await this.#faults.allRecovered();
    await everyServerLives(this.#world, this.#view, this.#waits, this.#recorder, t);
    nobodyEndedUnasked(this.#recorder);
    this.#never.tellAll();
  }

  #lastRelease(server: string): number {
    const lines = this.#recorder.lines.filter((line) => line.from === 'server' && line.server === server);
    const last = lines.findLast((line) => 'line' in line && line.line.event === 'released');
    return last !== undefined && last.from === 'server' ? last.line.t : 0;
  }

  #expected(expectation: Pick<Expectation, 'what' | 'otherwise'>, met: boolean, detail: string): void {
    const { what, otherwise } = expectation;
    this.#recorder.event({ event: 'expected', what, met, otherwise, detail });
  }
}
