import type { AuditEntry } from '../../ports/audit.ts';
import { type Audit, nowNs } from '../audit.ts';
import type { DataUnit } from './data-unit.ts';
import type { QuorumRecord } from './quorum-record.ts';
import type { SessionView } from './session-host.ts';
import { isWrite, type Outcome, type Task } from './task.ts';

interface TaskRecordParts {
  audit: Audit;
  unit: DataUnit;
  record: QuorumRecord;
}

/** Puts on record what commands did to the units: the same lines as the gate's. */
export class TaskRecord {
  readonly #parts: TaskRecordParts;
  /** Writes whose connection ended before an answer came: told when they can change nothing any more. */
  #unknown: (AuditEntry & { event: 'write' })[] = [];

  constructor(parts: TaskRecordParts) {
    this.#parts = parts;
  }

  /** Writes to the data unit that may still be carried out, although nobody waits for them any more. */
  get lostWrites(): number {
    return this.#unknown.length;
  }

  loggedIn({ id, peer, caller }: SessionView): void {
    this.#parts.audit.write({ event: 'connected', connection: id, peer, export: caller!.export });
  }

  answered(session: SessionView, task: Task, outcome: Outcome): void {
    if (!isWrite(task)) return;
    if (task.unit === 'quorum') this.#quorumWrite(session, task, outcome.text);
    else if (task.unit === 'data' && outcome.isRefused) this.#refused(session, task);
    else if (task.unit === 'data') this.#parts.audit.writeSoon(this.#write(session, task, outcome.text));
  }

  lost(session: SessionView, task: Task): void {
    if (!isWrite(task)) return;
    if (task.unit === 'quorum') this.#quorumWrite(session, task, 'unknown');
    if (task.unit === 'data' && task.verdict === null)
      this.#unknown.push(this.#write(session, task, 'unknown'));
  }

  /** Nothing that was under way before `beforeNs` can still be written. */
  writesAreThrough(beforeNs = Infinity): void {
    const lost = this.#unknown;
    this.#unknown = lost.filter(({ beganAt }) => beganAt >= beforeNs);
    for (const entry of lost) if (entry.beganAt < beforeNs) this.#parts.audit.write(entry);
  }

  /** After a write to the quorum area: its header, where that may be another one now. */
  recordRead(task: Task): void | Promise<void> {
    const { record } = this.#parts;
    if (task.unit !== 'quorum' || !isWrite(task) || !record.touchesHeader(task.offset)) return;
    return record.owner().then(
      () => undefined,
      () => undefined, // whoever needs it reads it again, and says what is wrong
    );
  }

  #write({ id, peer, caller }: SessionView, task: Task, outcome: string): AuditEntry & { event: 'write' } {
    const { node, epoch, incarnation, export: name } = caller!;
    const { offset, length, beganAt } = task;
    const what = { offset, length, beganAt, outcome, fua: task.command?.fua ?? false };
    return { event: 'write', connection: id, peer, export: name, node, epoch, incarnation, ...what };
  }

  #refused({ id, peer, caller }: SessionView, { offset, length }: Task): void {
    const { node, epoch, export: name } = caller!;
    const lastGranted = this.#parts.unit.granted?.epoch ?? 0;
    const who = { connection: id, peer, export: name, node, epoch };
    this.#parts.audit.write({ event: 'write-refused', ...who, offset, length, lastGranted });
  }

  #quorumWrite({ id, peer }: SessionView, task: Task, outcome: string): void {
    const { offset, length, payload } = task;
    const beganAt = task.beganAt || nowNs();
    const found = payload === null ? null : this.#parts.record.recordIn(offset, payload.bytes);
    const { status = 0, node = '', epoch = 0, count = 0 } = found ?? {};
    const record = found === null ? null : { status, node, epoch, count };
    this.#parts.audit.write({
      event: 'quorum-write',
      connection: id,
      peer,
      offset,
      length,
      beganAt,
      outcome,
      record,
    });
  }
}
