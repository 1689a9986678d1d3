import type { AuditEntry } from '../ports/audit.ts';

/** Fault injection: each rule picks one request and holds, delays, fails or drops it, before it is carried out. */
export interface RuleSpec {
  /** Address of the client as the audit names it; any when left out. */
  peer?: string;
  /** `quorum`, `data` for any data name, or one exact export name; any when left out. */
  export?: string;
  op: Operation;
  /** Requests that cover this byte; any when left out. */
  offset?: number;
  /** The how-manieth of the requests that match, from 1 on. */
  nth: number;
  /**
   * `hold` until released, `delay` for `delayMs`; `fail` with `error` and never carry out, `drop` without an answer.
   * Over iSCSI, where commands are numbered, nothing that comes after a dropped one on its connection is carried out.
   */
  action: 'hold' | 'delay' | 'fail' | 'drop';
  delayMs: number;
  error: string;
}

/** `reserve`: any PERSISTENT RESERVE OUT. `reset`: LOGICAL UNIT RESET. Both are iSCSI's, and cover no bytes. */
export type Operation = 'read' | 'write' | 'flush' | 'reserve' | 'reset';

export type RuleState = 'armed' | 'holding' | 'released' | 'failed' | 'dropped' | 'removed';

/** A request as rules see it. */
export interface Passing {
  connection: number;
  peer: string;
  export: string;
  op: Operation;
  offset: number;
  length: number;
}

export interface RuleStatus {
  id: string;
  state: RuleState;
  rule: RuleSpec;
  /** Matching requests so far. */
  matched: number;
  /** The request it picked. */
  caught: Passing | null;
  /** What became of that request in the end: `ok`, an error's name, or `not carried out`; null until then. */
  outcome: string | null;
}

/** What a rule does to the request that it picked. `settled` must be told the request's outcome once. */
export type Interception =
  | { kind: 'wait'; until: Promise<'go' | 'drop'>; settled(outcome: string): void }
  | { kind: 'fail'; error: string; settled(outcome: string): void }
  | { kind: 'drop' };

interface Rule {
  status: RuleStatus;
  letGo: ((what: 'go' | 'drop') => void) | null;
  timer: NodeJS.Timeout | null;
  /** Called on every change. */
  watchers: Set<() => void>;
}

/** Every rule of one gate. Rules are judged in the order they were made; one request is picked by at most one. */
export class Rules {
  readonly #rules = new Map<string, Rule>();
  readonly #audit: (entry: AuditEntry & { event: 'rule' }) => void;
  #lastId = 0;
  #armed = 0;

  constructor(audit: (entry: AuditEntry & { event: 'rule' }) => void) {
    this.#audit = audit;
  }

  /** Whether any rule waits for a request; when none does, nothing need be asked. */
  get armed(): boolean {
    return this.#armed > 0;
  }

  add(spec: RuleSpec): string {
    const id = String(++this.#lastId);
    const status: RuleStatus = { id, state: 'armed', rule: spec, matched: 0, caught: null, outcome: null };
    const rule: Rule = { status, letGo: null, timer: null, watchers: new Set() };
    this.#rules.set(id, rule);
    this.#armed++;
    this.#audit({ event: 'rule', id, state: 'armed', detail: describeSpec(spec) });
    return id;
  }

  /** Called for every request before it is carried out. */
  intercept(passing: Passing): Interception | null {
    let picked: Rule | null = null;
    for (const rule of this.#rules.values()) {
      if (rule.status.state !== 'armed' || !matches(rule.status.rule, passing)) continue;
      rule.status.matched++;
      if (rule.status.matched >= rule.status.rule.nth) picked ??= rule;
    }
    return picked === null ? null : this.#fire(picked, passing);
  }

  get(id: string): RuleStatus | undefined {
    return this.#rules.get(id)?.status;
  }

  list(): readonly RuleStatus[] {
    return [...this.#rules.values()].map((rule) => rule.status);
  }

  /** Lets the held request go. False when the rule holds none. */
  release(id: string): boolean {
    const rule = this.#rules.get(id);
    if (rule === undefined || rule.status.state !== 'holding') return false;
    this.#letGo(rule, 'released', 'go');
    return true;
  }

  /** Forgets the rule; a request it holds goes on. False when there is no such rule. */
  remove(id: string): boolean {
    const rule = this.#rules.get(id);
    if (rule === undefined) return false;
    this.#rules.delete(id);
    this.#letGo(rule, 'removed', 'go');
    return true;
  }

  /** Resolves when the rule has left the states before `state`, was removed, or after `timeoutMs`. */
  async reached(id: string, state: RuleState, timeoutMs: number): Promise<RuleStatus | undefined> {
    const rule = this.#rules.get(id);
    if (rule === undefined || ORDER[rule.status.state] >= ORDER[state]) return rule?.status;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        rule.watchers.delete(look);
        resolve();
      };
      const look = (): void => {
        if (ORDER[rule.status.state] >= ORDER[state]) finish();
      };
      const timer = setTimeout(finish, timeoutMs);
      rule.watchers.add(look);
    });
    return rule.status;
  }

  /** The gate ends: whatever is held is never carried out. */
  close(): void {
    for (const rule of this.#rules.values()) this.#letGo(rule, 'removed', 'drop');
    this.#rules.clear();
  }

  #fire(rule: Rule, passing: Passing): Interception {
    const { action, delayMs, error } = rule.status.rule;
    rule.status.caught = passing;
    const settled = (outcome: string): void => {
      rule.status.outcome ??= outcome;
    };
    if (action === 'drop') {
      settled('not carried out');
      this.#enter(rule, 'dropped', describePassing(passing));
      return { kind: 'drop' };
    }
    this.#enter(rule, action === 'fail' ? 'failed' : 'holding', describePassing(passing));
    if (action === 'fail') return { kind: 'fail', error, settled };
    const until = new Promise<'go' | 'drop'>((resolve) => (rule.letGo = resolve));
    if (action === 'delay') rule.timer = setTimeout(() => this.#letGo(rule, 'released', 'go'), delayMs);
    return { kind: 'wait', until, settled };
  }

  #letGo(rule: Rule, state: RuleState, what: 'go' | 'drop'): void {
    if (rule.timer !== null) clearTimeout(rule.timer);
    const detail = rule.status.caught === null ? 'nothing was caught' : describePassing(rule.status.caught);
    this.#enter(rule, state, detail);
    rule.letGo?.(what);
  }

  #enter(rule: Rule, state: RuleState, detail: string): void {
    if (rule.status.state === 'armed') this.#armed--;
    rule.status.state = state;
    this.#audit({ event: 'rule', id: rule.status.id, state, detail });
    for (const look of rule.watchers) look();
  }
}

const ORDER: Readonly<Record<RuleState, number>> = {
  armed: 0,
  holding: 1,
  released: 2,
  failed: 2,
  dropped: 2,
  removed: 3,
};

function matches(spec: RuleSpec, passing: Passing): boolean {
  if (spec.op !== passing.op) return false;
  if (spec.peer !== undefined && spec.peer !== passing.peer) return false;
  if (!exportMatches(spec.export, passing.export)) return false;
  const { offset } = spec;
  return offset === undefined || (passing.offset <= offset && offset < passing.offset + passing.length);
}

function exportMatches(wanted: string | undefined, name: string): boolean {
  if (wanted === undefined) return true;
  return wanted === 'data' ? name !== 'quorum' : name === wanted;
}

function describeSpec(spec: RuleSpec): string {
  const how =
    spec.action === 'delay' ? ` by ${spec.delayMs} ms` : spec.action === 'fail' ? ` with ${spec.error}` : '';
  const where = spec.offset === undefined ? '' : ` at ${spec.offset}`;
  const by = spec.peer === undefined ? '' : ` by ${spec.peer}`;
  return `${spec.action} ${spec.op} number ${spec.nth} of ${spec.export ?? 'any export'}${where}${by}${how}`;
}

function describePassing(passing: Passing): string {
  const { op, length, offset, peer, connection } = passing;
  return `${op} of ${length} bytes at ${offset} of ${passing.export} by ${peer} on connection ${connection}`;
}
