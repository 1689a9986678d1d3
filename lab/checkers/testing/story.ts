import type { LabEvent } from '../../history/events.ts';
import { ns } from './names.ts';
import { type StoryOptions, storyTimings } from './story-lines.ts';
import { StorageStory } from './story-storage.ts';

export type { StoryOptions } from './story-lines.ts';

const LEASE_S = 1.7;
const HEARTBEAT_S = 0.004;
/** From the start of the deciding read to the role: 1.12 S and some. */
const CLAIM_S = 0.46;

/**
 * A history made by hand, for the tests of checkers. Every method says what happened and begins with when, in seconds
 * since the lab began; the order of the calls does not matter, except that the log grows in it. What a checker is to
 * find is said with the few methods that break the rules, or with `audit`, `journal`, `client` and `lab` directly.
 */
export class Story extends StorageStory {
  #appends = 0;

  constructor(options: StoryOptions = {}) {
    super(options);
    const { protocol = 'safe' } = options;
    for (const server of this.servers) this.agentStarts(0.2, server, protocol);
    this.client(0.3, { event: 'client-started', workers: 1, servers: this.servers });
  }

  agentStarts(at: number, server: string, protocol: 'safe' | 'literal' = 'safe'): this {
    this.incarnations.set(server, (this.incarnations.get(server) ?? 0) + 1);
    const pids = { pid: 20, guardPid: 21, cluster: 'c'.repeat(32), index: this.servers.indexOf(server) };
    const modes = { version: '0', protocol, fencing: 'gate', guard: true } as const;
    return this.journal(at, server, { event: 'agent-started', ...pids, ...modes, ...storyTimings });
  }

  /** An append is sent, logged and acknowledged within 20 ms. */
  append(at: number, server: string, epoch: number, id = `7-0-${this.#appends}`): this {
    const seq = this.logged;
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

  /**
   * Claimed and settled, then active with a heartbeat every T, let in and verified, and the service started, until it
   * leaves the role (or never does). The storage node sees it write the record; what it grants is said with `letIn`.
   */
  active(from: number, server: string, epoch: number, until: number, leaves = true): this {
    const to = 'active' as const;
    const reason = 'own claim stands';
    this.claims(from - CLAIM_S, server, epoch);
    const acknowledged = { to: 'settling', epoch, rule: 'R4', reason: 'claim acknowledged' } as const;
    this.journal(from - CLAIM_S + 0.006, server, { event: 'role', from: 'claiming', ...acknowledged });
    this.journal(from, server, { event: 'role', from: 'settling', to, epoch, rule: 'R4', reason });
    this.lease(from, server, epoch);
    this.journal(from + 0.0005, server, { event: 'access', epoch, outcome: 'obtaining' });
    this.journal(from + 0.003, server, { event: 'access', epoch, outcome: 'granted' });
    this.journal(from + 0.004, server, { event: 'access', epoch, outcome: 'verified' });
    this.lease(from + 0.0048, server, epoch, 0.0017);
    for (let at = from + 0.4; at < until; at += 0.4) this.lease(at, server, epoch);
    this.service(from + 0.005, server, epoch, 'starting');
    this.service(from + 0.025, server, epoch, 'started');
    return leaves ? this.leaves(until, server, epoch) : this;
  }

  /** The deciding read began at `at`, and the claim was written at once. */
  claims(at: number, server: string, epoch: number, rule = 'R1'): this {
    const reason = 'by hand';
    this.journal(at + 0.002, server, { event: 'decided', rule, epoch, startedAt: ns(at), reason });
    return this.writesRecord(at + 0.004, server, epoch, 0);
  }

  /** One heartbeat, answered at `at`: written to the record in its second half. */
  lease(at: number, server: string, epoch: number, tookS = HEARTBEAT_S): this {
    const startedAt = ns(at - tookS);
    const count = Math.round((at - tookS / 4) * 1000);
    const times = { startedAt, writtenAt: ns(at), endsAt: startedAt + LEASE_S * 1e9 };
    this.writesRecord(at - tookS / 4, server, epoch, 1, tookS / 4);
    return this.journal(at, server, { event: 'lease', epoch, count, ...times });
  }

  /** A standby looks every T, and sees nothing new. */
  observes(from: number, until: number, server: string): this {
    const seen = { node: '', epoch: 0, status: null, unchanged: 1, sinceAt: ns(from) };
    for (let at = from; at < until; at += 0.4)
      this.journal(at, server, { event: 'observed', ...seen, readAt: ns(at - 0.001) });
    return this;
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

  service(at: number, server: string, epoch: number, phase: 'starting' | 'started' | 'ended'): this {
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
    this.audit(at + 0.9, { event: 'gate-stopped', reason: 'SIGTERM' });
    return this.lab(at + 1, { event: 'lab-ended' });
  }
}

type FaultPhase = Extract<LabEvent, { event: 'fault' }>['phase'];
