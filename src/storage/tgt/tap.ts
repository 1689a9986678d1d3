import type { Socket } from 'node:net';
import { WATCHED_BYTES } from '../record-watch.ts';
import { type Interception, type Operation, type Passing, Rules } from '../rules.ts';
import { type Patience, usualPatience } from '../patience.ts';
import { type Audit, nowNs } from '../audit.ts';
import { OPERATION } from '../../wire/scsi/operation.ts';
import type { Caller } from './caller.ts';
import type { DataUnit } from './data-unit.ts';
import { DataUnitDoor } from './data-unit-door.ts';
import type { QuorumRecord } from './quorum-record.ts';
import { EarlyClients } from './early-clients.ts';
import { Session } from './session.ts';
import { showKey } from './show-key.ts';
import type { SessionHost, SessionView } from './session-host.ts';
import { TapConnection } from './tap-connection.ts';
import { isWrite, type Outcome, type Task, type TaskVerdict } from './task.ts';
import { TaskRecord } from './task-record.ts';
import { Through } from './through.ts';

export interface TapParts {
  audit: Audit;
  unit: DataUnit;
  record: QuorumRecord;
  fencing: boolean;
  /** Where tgtd listens on loopback; undefined while there is none. */
  upstreamPort(): number | undefined;
  /** How long clients are waited for; the usual when left out. */
  patience?: Patience;
}

/**
 * What clients reach: each of their connections has one of its own to tgtd, and everything that goes through is looked at
 * (session.ts). Here is what they have in common: rules, the data unit, the audit.
 */
export class Tap implements SessionHost {
  readonly rules: Rules;
  readonly quorumWatchedBytes = WATCHED_BYTES;
  readonly #parts: TapParts;
  readonly #door: DataUnitDoor;
  readonly #recorded: TaskRecord;
  readonly #sessions = new Map<Session, TapConnection>();
  /** Writes to the data unit that tgtd may be at. */
  readonly #writes = new Through();
  readonly #patience: Patience;
  readonly #early: EarlyClients;
  #lastConnection = 0;
  #onChange: () => void = () => undefined;

  constructor(parts: TapParts) {
    this.#parts = parts;
    this.#patience = parts.patience ?? usualPatience;
    this.#early = new EarlyClients(this.#patience.negotiateMs);
    this.rules = new Rules((entry) => parts.audit.write(entry));
    this.#recorded = new TaskRecord(parts);
    const writesUnderWay = (): number => this.#writes.count + this.#recorded.lostWrites;
    this.#door = new DataUnitDoor({ ...parts, writesUnderWay });
  }

  get upstreamPort(): number {
    return this.#parts.upstreamPort() ?? 0;
  }

  accept(socket: Socket, peer: string): void {
    const id = ++this.#lastConnection;
    if (this.#parts.upstreamPort() !== undefined) return this.#begin(id, socket, peer);
    const giveUp = (reason: string): void => this.#disconnected(id, peer, null, reason);
    this.#early.wait({ socket, begin: () => this.#begin(id, socket, peer), giveUp });
  }

  /** A tgtd serves. */
  served(): void {
    this.#early.serve();
  }

  status(): unknown {
    const { fencing, unit, record } = this.#parts;
    const { holder } = unit.reservations;
    return {
      fencing,
      granted: unit.granted,
      phase: unit.isClosed ? 'closed' : 'open',
      holder: holder === null ? null : { ...holder, key: showKey(holder.key) },
      clusterId: record.header?.clusterId ?? null,
      dataWritesUnderWay: this.#writes.count,
      connections: [...this.#sessions].map(([{ id, peer, caller, tasksUnderWay }, { owedBytes }]) => {
        return { id, peer, export: caller?.export ?? null, requestsInFlight: tasksUnderWay, owedBytes };
      }),
    };
  }

  /** tgtd was reaped: nobody must wait for answers of it, and nothing that it was told can still be written. */
  lost(reason: string): void {
    for (const connection of this.#sessions.values()) connection.end(reason);
    this.#recorded.writesAreThrough();
  }

  /** tgtd was reaped after a stop: what became of writes whose connection had ended is told now, or never. */
  stopped(): void {
    this.#recorded.writesAreThrough();
  }

  /** False when there is none of that number. */
  endConnection(id: number): boolean {
    const connection = [...this.#sessions.values()].find((each) => each.id === id);
    connection?.cut('ended by control');
    return connection !== undefined;
  }

  /** Lets answers to what is under way come, up to `withinMs`, and ends every connection. What rules hold is not passed on. */
  async stop(withinMs: number): Promise<void> {
    this.rules.close();
    this.#early.close('the storage node stops');
    for (const connection of this.#sessions.values()) connection.leave('the storage node stops');
    const late = setTimeout(() => this.#endAll(), withinMs);
    while (this.#sessions.size > 0) await new Promise<void>((resolve) => (this.#onChange = resolve));
    clearTimeout(late);
  }

  intercept(session: SessionView, task: Task): Interception | null {
    const passing = this.rules.armed ? passingOf(session, task) : undefined;
    return passing === undefined ? null : this.rules.intercept(passing);
  }

  mustAsk(task: Task): boolean {
    return task.unit === 'data' && this.#door.mustAsk(task);
  }

  ask(session: SessionView, task: Task): Promise<TaskVerdict | undefined> {
    return this.#door.ask(session, task);
  }

  abandoned(task: Task): void {
    this.#door.abandoned(task);
  }

  began(task: Task): void {
    task.beganAt = nowNs();
    if (task.unit === 'data' && isWrite(task)) this.#writes.began(task);
  }

  completed(session: SessionView, task: Task, outcome: Outcome): void | Promise<void> {
    this.#recorded.answered(session, task, outcome);
    this.#writes.ended(task);
    if (task.unit === 'data') return this.#door.answered(session, task, outcome);
    return this.#recorded.recordRead(task);
  }

  async wasReset(session: SessionView, task: Task): Promise<void> {
    if (task.unit !== 'data') return;
    await this.#writes.before(task.number);
    this.#recorded.writesAreThrough(task.beganAt);
    this.#door.wasReset(session);
    this.#parts.unit.wasReset(task.beganAt);
  }

  loggedIn(session: SessionView): void {
    this.#recorded.loggedIn(session);
    this.#door.loggedIn(session);
  }

  loginRefused(session: SessionView, caller: Caller, status: string): void {
    this.#door.refused(session, caller, `login refused with status ${status}`);
  }

  flush(): void {
    this.#parts.audit.flush();
  }

  ended(session: Session, lost: readonly Task[], reason: string): void {
    this.#sessions.delete(session);
    for (const task of lost) {
      this.#recorded.lost(session, task);
      this.#writes.ended(task);
      this.#door.lost(session, task);
      for (const settled of task.settled) settled('unknown');
    }
    this.#disconnected(session.id, session.peer, session.caller?.export ?? null, reason);
    this.#door.gone(session);
    this.#onChange();
  }

  #begin(id: number, client: Socket, peer: string): void {
    let session: Session | undefined;
    const connection = new TapConnection(
      { id, peer, client, upstreamPort: this.upstreamPort },
      (own) => (session = new Session(own, this)),
      this.#patience,
    );
    this.#sessions.set(session!, connection);
  }

  #disconnected(connection: number, peer: string, name: string | null, reason: string): void {
    this.#parts.audit.write({ event: 'disconnected', connection, peer, export: name, reason });
  }

  #endAll(): void {
    for (const connection of this.#sessions.values()) connection.end('the storage node stops');
  }
}

/** A task as rules see it; undefined for what they cannot pick. */
function passingOf({ id, peer, caller }: SessionView, task: Task): Passing | undefined {
  const op = operationOf(task);
  if (op === undefined || task.unit === 'other') return undefined;
  const { offset, length } = task;
  const name = task.unit === 'quorum' ? 'quorum' : (caller?.export ?? '');
  return { connection: id, peer, export: name, op, offset, length };
}

function operationOf({ command, isReset }: Task): Operation | undefined {
  if (isReset) return 'reset';
  switch (command?.operation) {
    case undefined:
      return undefined;
    case OPERATION.SYNCHRONIZE_CACHE_10:
    case OPERATION.SYNCHRONIZE_CACHE_16:
      return 'flush';
    case OPERATION.PERSISTENT_RESERVE_OUT:
      return 'reserve';
    default:
      break;
  }
  if (command?.medium === 'reads') return 'read';
  return command?.medium === 'writes' || command?.medium === 'both' ? 'write' : undefined;
}
