import { parseKeys, parseReservation } from '../../wire/scsi/persistent-reserve-data.ts';
import { PR_IN, PR_OUT } from '../../wire/scsi/persistent-reserve.ts';
import { OPERATION } from '../../wire/scsi/operation.ts';
import { SENSE_KEY } from '../../wire/scsi/sense.ts';
import { SCSI_STATUS } from '../../wire/scsi/status.ts';
import type { Audit } from '../audit.ts';
import type { Caller } from './caller.ts';
import type { DataUnit } from './data-unit.ts';
import { RESERVATION_CONFLICT } from './harmless.ts';
import type { SessionView } from './session-host.ts';
import { showKey } from './show-key.ts';
import type { Outcome, Task, TaskVerdict } from './task.ts';

interface DoorParts {
  audit: Audit;
  unit: DataUnit;
  fencing: boolean;
  /** Writes to the data unit that tgtd may be at. */
  writesUnderWay(): number;
}

/**
 * Commands that tgtd carries out past a reservation of somebody else (tgt, usr/sbc.c, has no conflict bits for them), or
 * that reserve in the way of SPC-2, which a reservation does not keep off either. No arbiter needs them.
 */
const PAST_RESERVATIONS: ReadonlySet<number> = new Set([
  OPERATION.FORMAT_UNIT,
  OPERATION.WRITE_SAME_10,
  OPERATION.WRITE_SAME_16,
  OPERATION.UNMAP,
  OPERATION.RESERVE_6,
  OPERATION.RELEASE_6,
  OPERATION.RESERVE_10,
  OPERATION.RELEASE_10,
]);

const CONFLICT: TaskVerdict = { ...RESERVATION_CONFLICT, outcome: 'RESERVATION CONFLICT' };
const INVALID_OPERATION = illegal(0x20, 'invalid command operation code');
/** Its parameter list has to come with the command (ImmediateData), for it is looked at before the command goes on. */
const LIST_MISSING = illegal(0x1a, 'parameter list length error');

/** tgtd answers a PERSISTENT RESERVE OUT at once; one that it has not begun by then, others do not wait for. */
const TURN_WITHIN_MS = 10_000;

const ACTIONS = new Map<number, string>([
  ...Object.entries(PR_OUT).map(([name, code]) => [code, name.toLowerCase().replaceAll('_', '-')] as const),
  [PR_OUT.REGISTER_AND_IGNORE_EXISTING_KEY, 'register'],
]);

/** What passes to the data unit, and what its answers mean for who is let in. */
export class DataUnitDoor {
  readonly #parts: DoorParts;
  readonly #admitted = new Set<number>();
  readonly #turnedAway = new Set<number>();
  readonly #turns = new Map<Task, () => void>();

  constructor(parts: DoorParts) {
    this.#parts = parts;
  }

  /** Whether `ask` has to be asked. */
  mustAsk({ command }: Task): boolean {
    if (command === null) return false;
    if (command.operation === OPERATION.PERSISTENT_RESERVE_OUT) return true;
    return this.#parts.fencing && (this.#parts.unit.isClosed || PAST_RESERVATIONS.has(command.operation));
  }

  /** What the tap answers; undefined when the command goes on. */
  async ask(session: SessionView, task: Task): Promise<TaskVerdict | undefined> {
    const { unit, fencing } = this.#parts;
    const { command, asked } = task;
    if (command === null) return undefined;
    const isReserve = command.operation === OPERATION.PERSISTENT_RESERVE_OUT;
    // What lacks data is not begun before that came, if it ever comes: nobody must wait for it.
    const isWhole = asked !== undefined && task.missingBytes === 0;
    if (isReserve && isWhole) await this.#takeTurn(task);
    const refusal = unit.isClosed ? await unit.refusal(command, asked) : undefined;
    if (refusal !== undefined) {
      this.#giveTurn(task);
      if (session.caller !== null) this.#refusedOnce(session, session.caller, refusal);
      return CONFLICT;
    }
    if (isReserve && !isWhole) return LIST_MISSING;
    if (isReserve && isWhole) unit.goesOn(session.id, asked);
    return fencing && PAST_RESERVATIONS.has(command.operation) ? INVALID_OPERATION : undefined;
  }

  /** Resolves when it is on record; rejects when the answer must not go out. */
  answered(session: SessionView, task: Task, outcome: Outcome): void | Promise<void> {
    const { command, asked } = task;
    if (outcome.isConflict) this.#conflict(session, task);
    if (command?.operation === OPERATION.PERSISTENT_RESERVE_IN && outcome.text === 'ok')
      this.#read(session, task);
    if (command?.operation !== OPERATION.PERSISTENT_RESERVE_OUT) return;
    this.#reservation(session, task, outcome.text);
    if (task.verdict !== null) return this.#giveTurn(task);
    if (outcome.text !== 'ok' || asked === undefined) {
      this.#parts.unit.wasAnswered();
      return this.#giveTurn(task);
    }
    const { caller } = session;
    const claimant = { connection: session.id, ...(caller?.isOwner === true ? caller : NOBODY) };
    return this.#parts.unit
      .reserved(claimant, asked, this.#parts.writesUnderWay())
      .catch((error: unknown) => {
        throw new Error(`the grant cannot be kept: ${(error as Error).message}`, { cause: error });
      })
      .finally(() => this.#giveTurn(task));
  }

  wasReset({ id, peer, caller }: SessionView): void {
    const key = showKey(this.#parts.unit.reservations.keyOf(id) ?? 0n);
    const who = { connection: id, peer, export: caller?.export ?? '' };
    const what = { action: 'reset', key, serviceActionKey: showKey(0n), outcome: 'ok' };
    this.#parts.audit.write({ event: 'reservation', ...who, ...what });
  }

  /** It does not go on after all. */
  abandoned(task: Task): void {
    this.#giveTurn(task);
  }

  lost(session: SessionView, task: Task): void {
    if (task.command?.operation !== OPERATION.PERSISTENT_RESERVE_OUT || task.unit !== 'data') return;
    this.#reservation(session, task, 'unknown');
    this.#giveTurn(task);
  }

  /** Without fencing whoever calls itself an owner is let in with its login. */
  loggedIn(session: SessionView): void {
    if (!this.#parts.fencing && session.caller?.isOwner === true) this.#admit(session, session.caller);
  }

  gone({ id }: SessionView): void {
    this.#admitted.delete(id);
    this.#turnedAway.delete(id);
  }

  refused({ id, peer }: SessionView, caller: Caller, reason: string): void {
    const { export: name, isOwner, node, epoch } = caller;
    const asked = isOwner ? { node, epoch } : { node: node === '' ? null : node, epoch: null };
    const lastGranted = this.#parts.unit.granted?.epoch ?? 0;
    this.#parts.audit.write({
      event: 'refused',
      connection: id,
      peer,
      export: name,
      ...asked,
      lastGranted,
      reason,
    });
  }

  #refusedOnce(session: SessionView, caller: Caller, reason: string): void {
    if (this.#admitted.has(session.id) || this.#turnedAway.has(session.id)) return;
    this.#turnedAway.add(session.id);
    this.refused(session, caller, reason);
  }

  #conflict(session: SessionView, { command }: Task): void {
    if (session.caller?.isOwner !== true) return;
    this.#refusedOnce(session, session.caller, `${command?.name ?? 'a command'} met a reservation conflict`);
  }

  /** READ KEYS shows a former owner that it is one; READ RESERVATION shows the owner that it is let in. */
  #read(session: SessionView, { command, returned }: Task): void {
    const { caller, id } = session;
    if (caller?.isOwner !== true || returned === null) return;
    const data = Buffer.concat(returned);
    const { reservations } = this.#parts.unit;
    try {
      if (command?.serviceAction === PR_IN.READ_KEYS) {
        const highest = Math.max(0, ...parseKeys(data).keys.map((key) => Number(BigInt.asUintN(48, key))));
        if (highest > caller.epoch)
          this.#refusedOnce(session, caller, `a key of epoch ${highest} is registered`);
      }
      if (command?.serviceAction !== PR_IN.READ_RESERVATION) return;
      const { held } = parseReservation(data);
      if (held !== undefined && held.key === reservations.keyOf(id) && this.#isLetIn(id))
        this.#admit(session, caller);
    } catch {
      // Cut short by the initiator's allocation length: it has not seen it either.
    }
  }

  /** The reservation is that session's, and nothing of a former owner is under way. */
  #isLetIn(id: number): boolean {
    const { reservations, isDraining } = this.#parts.unit;
    return reservations.isHeldBy(id) && !isDraining;
  }

  #admit({ id, peer }: SessionView, { export: name, node, epoch, incarnation }: Caller): void {
    if (this.#admitted.has(id)) return;
    this.#admitted.add(id);
    this.#parts.audit.write({
      event: 'admitted',
      connection: id,
      peer,
      export: name,
      node,
      epoch,
      incarnation,
    });
  }

  #reservation({ id, peer, caller }: SessionView, { command, asked }: Task, outcome: string): void {
    const action = ACTIONS.get(command?.serviceAction ?? -1) ?? `service action ${command?.serviceAction}`;
    const key = showKey(asked?.key ?? 0n);
    const serviceActionKey = showKey(asked?.serviceActionKey ?? 0n);
    const who = { connection: id, peer, export: caller?.export ?? '' };
    this.#parts.audit.write({ event: 'reservation', ...who, action, key, serviceActionKey, outcome });
  }

  async #takeTurn(task: Task): Promise<void> {
    const give = await this.#parts.unit.turn();
    const late = setTimeout(() => this.#giveTurn(task), TURN_WITHIN_MS);
    this.#turns.set(task, () => {
      clearTimeout(late);
      give();
    });
  }

  #giveTurn(task: Task): void {
    this.#turns.get(task)?.();
    this.#turns.delete(task);
  }
}

const NOBODY = { node: '', epoch: 0, incarnation: '' };

function illegal(asc: number, outcome: string): TaskVerdict {
  return {
    status: SCSI_STATUS.CHECK_CONDITION,
    sense: [SENSE_KEY.ILLEGAL_REQUEST, asc, 0],
    outcome: `ILLEGAL REQUEST (${outcome})`,
  };
}
