import type { AuditEntry, AuditLine } from '../../../src/ports/audit.ts';
import type { JournalEntry, JournalLine } from '../../../src/ports/journal.ts';
import type { Timings } from '../../../src/protocol/types.ts';
import type { ClientEvent, History, LabEvent, ScenarioRecord } from '../../history/events.ts';
import { encodeRecord, type LogRecord, RECORD_BYTES } from '../../workload/log-format.ts';
import { connectionOf, nameOf, ns, peerOf, shortOf } from './names.ts';

/** D = 2000 ms, L = 1700 ms. With heartbeats of 4 ms: promise (c) = 3110 ms + drain + start of the service. */
const storyTimings: Timings = {
  intervalMs: 400,
  misses: 5,
  settleMs: 400,
  deadlineMs: 250,
  stopGraceMs: 400,
};

const SECTORS = 128;
const LEASE_S = 1.7;
const HEARTBEAT_S = 0.004;

export interface StoryOptions {
  servers?: readonly string[];
  protocol?: 'safe' | 'literal';
  /** The gate's fencing. */
  fencing?: boolean;
  scenario?: Partial<ScenarioRecord>;
}

/** Distributes over every member of the union, so that each event keeps its own fields. */
type Untimed<E> = E extends { t: number } ? Omit<E, 't'> : never;

/**
 * A history made by hand, for the tests of checkers. Every method says what happened and begins with when, in seconds
 * since the lab began; the order of the calls does not matter, except that the log grows in it. What a checker is to
 * find is said with the few methods that break the rules, or with `audit`, `journal`, `client` and `lab` directly.
 */
export class Story {
  readonly #servers: readonly string[];
  readonly #scenario: ScenarioRecord;
  readonly #lab: LabEvent[] = [];
  readonly #client: ClientEvent[] = [];
  readonly #audit: AuditLine[] = [];
  readonly #journals = new Map<string, JournalLine[]>();
  readonly #starts = new Map<string, number>();
  readonly #log: LogRecord[] = [];
  readonly #image = new Uint8Array(SECTORS * RECORD_BYTES);
  #granted = 0;
  #appends = 0;
  #unreadable: string[] = [];
  #data = true;

  constructor(options: StoryOptions = {}) {
    const { servers = ['server-1', 'server-2'], protocol = 'safe', fencing = true } = options;
    this.#servers = servers;
    this.#scenario = {
      ...{ name: 'by-hand', file: 'by-hand.scenario.ts', engine: 'process', storage: 'nbd', seed: 7 },
      ...{ expected: 'valid', violatedBy: [], atLeast: { acknowledged: 1 }, ...options.scenario },
    };
    const what = { scenario: this.#scenario.name, engine: 'process', storage: 'nbd', seed: 7, servers };
    const agent = { protocol, fencing: fencing ? 'gate' : 'none', guard: true } as const;
    this.lab(0, { event: 'lab-started', ...what, timings: storyTimings, agent, gate: { fencing } });
    this.audit(0.1, { event: 'gate-started', pid: 10, fencing, granted: null, listen: '127.0.0.1:10809' });
    for (const server of servers) {
      this.#journals.set(server, []);
      this.agentStarts(0.2, server, protocol);
    }
    this.client(0.3, { event: 'client-started', workers: 1, servers });
  }

  lab(at: number, event: Untimed<LabEvent>): this {
    this.#lab.push({ ...event, t: ns(at) });
    return this;
  }

  client(at: number, event: Untimed<ClientEvent>): this {
    this.#client.push({ ...event, t: ns(at) });
    return this;
  }

  audit(at: number, entry: AuditEntry): this {
    this.#audit.push({ v: 1, t: ns(at), ...entry });
    return this;
  }

  /** Instants inside `entry` are nanoseconds: use `ns`. */
  journal(at: number, server: string, entry: JournalEntry): this {
    const line = {
      v: 1,
      t: ns(at),
      wall: '2025-01-01T00:00:00.000Z',
      incarnation: this.#incarnation(server),
      ...entry,
    };
    this.#journals.get(server)!.push({ ...line, node: server } as JournalLine);
    return this;
  }

  agentStarts(at: number, server: string, protocol: 'safe' | 'literal' = 'safe'): this {
    this.#starts.set(server, (this.#starts.get(server) ?? 0) + 1);
    const pids = { pid: 20, guardPid: 21, cluster: 'c'.repeat(32), index: this.#servers.indexOf(server) };
    const modes = { version: '0', protocol, fencing: 'gate', guard: true } as const;
    return this.journal(at, server, { event: 'agent-started', ...pids, ...modes, ...storyTimings });
  }

  /** The record names this owner, the gate grants, drains and lets it in, and its service opens the log. */
  letIn(at: number, server: string, epoch: number): this {
    this.recordShows(at, server, epoch);
    this.grants(at + 0.001, server, epoch);
    this.audit(at + 0.002, { event: 'drained', epoch, connectionsEnded: 0, writesAwaited: 0, drainMs: 1 });
    this.admits(at + 0.003, server, epoch);
    return this.logs(at + 0.01, server, epoch, 'open');
  }

  recordShows(at: number, server: string, epoch: number): this {
    const record = { status: 1, node: server, epoch, count: Math.round(at * 1000) };
    const where = { connection: 1, peer: peerOf(server), offset: 512, length: 512 };
    return this.audit(at, {
      event: 'quorum-write',
      ...where,
      beganAt: ns(at - 0.001),
      outcome: 'ok',
      record,
    });
  }

  grants(at: number, server: string, epoch: number): this {
    const previousEpoch = this.#granted;
    this.#granted = epoch;
    return this.audit(at, {
      event: 'grant',
      node: server,
      epoch,
      incarnation: shortOf(server, epoch),
      previousEpoch,
    });
  }

  admits(at: number, server: string, epoch: number): this {
    return this.audit(at, { event: 'admitted', ...nameOf(server, epoch), ...connectionOf(server, epoch) });
  }

  refuses(at: number, server: string, epoch: number, lastGranted = this.#granted): this {
    const { export: name, node } = nameOf(server, epoch);
    const reason = `epoch ${epoch} is over`;
    return this.audit(at, {
      event: 'refused',
      ...connectionOf(server, epoch),
      export: name,
      node,
      epoch,
      lastGranted,
      reason,
    });
  }

  /** The gate was killed and is back, with the grant it remembers. */
  gateRestarts(at: number, server: string, epoch: number): this {
    const granted = { node: server, epoch, incarnation: shortOf(server, epoch) };
    return this.audit(at, {
      event: 'gate-started',
      pid: 11,
      fencing: true,
      granted,
      listen: '127.0.0.1:10809',
    });
  }

  /** One write to the data area, as the storage node saw it; what it wrote is not looked at. */
  writes(
    at: number,
    server: string,
    epoch: number,
    more: { offset?: number; lasts?: number; outcome?: string } = {},
  ): this {
    const { offset = 0, lasts = 0.001, outcome = 'ok' } = more;
    const what = { offset, length: 512, beganAt: ns(at - lasts), outcome, fua: true };
    return this.audit(at, {
      event: 'write',
      ...nameOf(server, epoch),
      ...connectionOf(server, epoch),
      ...what,
    });
  }

  /** The service adds a record to the log. */
  logs(at: number, server: string, epoch: number, kind: LogRecord['kind'], id = ''): this {
    const seq = this.#log.length;
    const record = { kind, id, epoch, node: server, seq };
    this.#log.push(record);
    return this.stands(record).writes(at, server, epoch, { offset: seq * RECORD_BYTES });
  }

  /** A record is on the disk, whoever wrote it and wherever it belongs. */
  stands(record: LogRecord, sector = record.seq): this {
    this.#image.set(encodeRecord(record), sector * RECORD_BYTES);
    return this;
  }

  erases(sector: number, fromByte = 0): this {
    this.#image.fill(0, sector * RECORD_BYTES + fromByte, (sector + 1) * RECORD_BYTES);
    return this;
  }

  noDataImage(): this {
    this.#data = false;
    return this;
  }

  unreadable(sentence: string): this {
    this.#unreadable.push(sentence);
    return this;
  }

  /** An append is sent, logged and acknowledged within 20 ms. */
  append(at: number, server: string, epoch: number, id = `7-0-${this.#appends}`): this {
    const seq = this.#log.length;
    this.begins(at, id);
    this.logs(at + 0.01, server, epoch, 'append', id);
    return this.acknowledges(at + 0.02, id, server, epoch, seq);
  }

  begins(at: number, id: string): this {
    this.#appends += 1;
    return this.client(at, { event: 'begin', id, worker: 0 });
  }

  acknowledges(at: number, id: string, server: string, epoch: number, seq: number): this {
    return this.client(at, { event: 'end', id, worker: 0, outcome: 'ok', server, epoch, seq, attempts: 1 });
  }

  ends(at: number, id: string, outcome: 'refused' | 'unknown'): this {
    return this.client(at, {
      event: 'end',
      id,
      worker: 0,
      outcome,
      server: null,
      epoch: null,
      seq: null,
      attempts: 3,
    });
  }

  /** By its own journal: active with a heartbeat every T and the service started, until it leaves the role (or never does). */
  active(from: number, server: string, epoch: number, until: number, leaves = true): this {
    const to = 'active' as const;
    this.journal(from, server, {
      event: 'role',
      from: 'settling',
      to,
      epoch,
      rule: 'R4',
      reason: 'own claim stands',
    });
    for (let at = from; at < until; at += 0.4) this.lease(at, server, epoch);
    this.service(from + 0.005, server, epoch, 'starting');
    this.service(from + 0.025, server, epoch, 'started');
    return leaves ? this.leaves(until, server, epoch) : this;
  }

  lease(at: number, server: string, epoch: number, tookS = HEARTBEAT_S): this {
    const startedAt = ns(at - tookS);
    const times = { startedAt, writtenAt: ns(at), endsAt: startedAt + LEASE_S * 1e9 };
    return this.journal(at, server, { event: 'lease', epoch, count: Math.round(at * 1000), ...times });
  }

  leaves(at: number, server: string, epoch: number): this {
    const reason = 'the lease ended';
    return this.journal(at, server, {
      event: 'role',
      from: 'active',
      to: 'stopping',
      epoch,
      rule: 'R6',
      reason,
    });
  }

  service(at: number, server: string, epoch: number, phase: 'starting' | 'started'): this {
    return this.journal(at, server, { event: 'service', phase, epoch, reason: 'by hand' });
  }

  fault(at: number, id: number, fault: string, target: string, phase: FaultPhase, detail = 'by hand'): this {
    return this.lab(at, { event: 'fault', id, fault, target, phase, detail });
  }

  takeover(
    since: number,
    serving: number,
    from: string,
    to: string,
    epoch: number,
    skipsDeathWait = false,
  ): this {
    this.lab(since + 0.001, { event: 'takeover-awaited', from, skipsDeathWait, sinceT: ns(since) });
    return this.lab(serving + 0.001, {
      event: 'takeover-seen',
      from,
      to,
      epoch,
      sinceT: ns(since),
      servingT: ns(serving),
    });
  }

  /** Everything healed, one server serving, client and lab ended in order. */
  finish(at: number, server: string, epoch: number): this {
    this.lab(at, { event: 'healed' });
    this.lab(at + 0.001, { event: 'serving-again', server, epoch });
    this.client(at + 0.5, { event: 'client-stopped', operations: this.#appends });
    return this.lab(at + 1, { event: 'lab-ended' });
  }

  history(): History {
    const inTime = <L extends { t: number }>(lines: readonly L[]) => [...lines].sort((a, b) => a.t - b.t);
    return {
      dir: '/by-hand',
      scenario: this.#scenario,
      lab: inTime(this.#lab),
      client: inTime(this.#client),
      audit: inTime(this.#audit),
      journals: new Map([...this.#journals].map(([server, lines]) => [server, inTime(lines)])),
      data: this.#data ? this.#image : undefined,
      quorum: undefined,
      unreadable: this.#unreadable,
      torn: [],
    };
  }

  #incarnation(server: string): string {
    return `${this.#servers.indexOf(server)}${this.#starts.get(server)}`.padEnd(32, '0');
  }
}

type FaultPhase = Extract<LabEvent, { event: 'fault' }>['phase'];
