import { readAsync } from './async-event.ts';
import { CommandTask } from './command-task.ts';
import { INITIATOR_OPCODE, ISCSI_LIMIT, NO_TAG, pduName, TASK_RESPONSE } from './constants.ts';
import type { Lun } from './header-fields.ts';
import type { Numbering } from './numbering.ts';
import type { InitiatorOutcome } from './outcome.ts';
import { numberOf, rules } from './parameters.ts';
import { readReject } from './rejection.ts';
import type { Requests } from './requests.ts';
import { senseOf } from './sense-segment.ts';
import type { SessionParameters } from './session-parameters.ts';
import type { Task, Tasks } from './task.ts';
import type { TargetPdu } from './target-pdu.ts';
import type { Pair } from './text.ts';

type Of<Kind extends TargetPdu['kind']> = TargetPdu & { kind: Kind };
type TaskOf<Kind extends Task['kind']> = Task & { kind: Kind };

/** SAM-5, section 5.3.1. */
const GOOD = 0;
const nothing = new Uint8Array(0);

/** What a target answers in the full-feature phase, and what comes of it. */
export class Responses {
  readonly #session: SessionParameters;
  readonly #numbering: Numbering;
  readonly #tasks: Tasks;
  readonly #requests: Requests;

  constructor(session: SessionParameters, numbering: Numbering, tasks: Tasks, requests: Requests) {
    this.#session = session;
    this.#numbering = numbering;
    this.#tasks = tasks;
    this.#requests = requests;
  }

  /** One PDU: what came of it, or what is wrong with it (without its name), or neither. */
  take(pdu: TargetPdu): InitiatorOutcome | string | undefined {
    switch (pdu.kind) {
      case 'data-in':
        return this.#dataIn(pdu);
      case 'response':
        return this.#numbering.takeStatus(pdu.statSN) ?? this.#response(pdu);
      case 'r2t':
        return this.#readyToTransfer(pdu);
      case 'task-management':
        return this.#numbering.takeStatus(pdu.statSN) ?? this.#managed(pdu);
      case 'nop-in':
        return this.#nopIn(pdu);
      case 'text':
        return this.#numbering.takeStatus(pdu.statSN) ?? this.#text(pdu);
      case 'logout':
        return this.#numbering.takeStatus(pdu.statSN) ?? this.#loggedOut(pdu);
      case 'async':
        return this.#numbering.takeStatus(pdu.statSN) ?? this.#event(pdu);
      case 'reject':
        return this.#numbering.takeStatus(pdu.statSN) ?? this.#rejected(pdu);
      default:
        return 'after the login';
    }
  }

  #dataIn(pdu: Of<'data-in'>): InitiatorOutcome | string | undefined {
    const task = this.#find(pdu.tag, 'command');
    if (pdu.hasStatus) {
      const wrong = this.#numbering.takeStatus(pdu.statSN);
      if (wrong !== undefined) return wrong;
    }
    if (typeof task === 'string' || task === undefined) return task;
    const wrong = task.takeData(pdu);
    if (wrong !== undefined || !pdu.hasStatus) return wrong;
    if (!pdu.final) return 'with a status that is not the last of its sequence';
    return this.#answer(pdu, task, nothing);
  }

  #response(pdu: Of<'response'>): InitiatorOutcome | string | undefined {
    const task = this.#find(pdu.tag, 'command');
    if (typeof task === 'string' || task === undefined) return task;
    if (pdu.response !== 0) {
      this.#tasks.close(pdu.tag);
      if (task.abandoned) return undefined;
      const code = pdu.response.toString(16).padStart(2, '0');
      const text = `the target failed to carry the command out (iSCSI response 0x${code})`;
      return { kind: 'failed', tag: pdu.tag, text };
    }
    const sense = senseOf(pdu.data);
    if (sense === undefined) return `with sense data beyond its ${pdu.data.length} bytes`;
    return this.#answer(pdu, task, sense);
  }

  #answer(
    { tag, status, residual }: Of<'data-in'> | Of<'response'>,
    task: CommandTask,
    sense: Uint8Array,
  ): InitiatorOutcome | string | undefined {
    const wrong = status === GOOD ? task.endProblem(residual) : undefined;
    if (wrong !== undefined) return wrong;
    this.#tasks.close(tag);
    if (task.abandoned) return undefined;
    return { kind: 'answered', tag, status, sense, data: task.data, residual };
  }

  #readyToTransfer(pdu: Of<'r2t'>): InitiatorOutcome | string | undefined {
    const task = this.#find(pdu.tag, 'command');
    if (typeof task === 'string' || task === undefined) return task;
    const wrong = task.takeR2T(pdu, this.#session.maxBurstBytes);
    if (wrong !== undefined) return wrong;
    // Its user may have changed the bytes by now.
    return task.abandoned ? undefined : { kind: 'send', pieces: this.#requests.burst(task, pdu) };
  }

  #managed({ tag, response }: Of<'task-management'>): InitiatorOutcome | string | undefined {
    const task = this.#find(tag, 'management');
    if (typeof task === 'string' || task === undefined) return task;
    const ended: number[] = [];
    for (const [each, command] of this.#reached(task, tag, response)) {
      this.#tasks.end(each);
      if (!command.abandoned) ended.push(each);
    }
    this.#tasks.close(tag);
    return task.abandoned && ended.length === 0 ? undefined : { kind: 'managed', tag, response, ended };
  }

  /** The commands that have no answer to come after this. One that came before this would have been heard before. */
  #reached(task: TaskOf<'management'>, tag: number, response: number): [number, CommandTask][] {
    const { reach, lun, tag: about } = task;
    const complete = response === TASK_RESPONSE.COMPLETE;
    if (reach === 'task') {
      const command = this.#tasks.get(about);
      const gone = complete || response === TASK_RESPONSE.NO_SUCH_TASK;
      return gone && command instanceof CommandTask ? [[about, command]] : [];
    }
    if (!complete) return [];
    return reach === 'target' ? [...this.#tasks.commandsBefore(tag)] : this.#commandsTo(lun, tag);
  }

  /** The open commands to a unit, with their tags: all, or those begun before the task with the tag `before`. */
  #commandsTo(lun: Lun, before?: number): [number, CommandTask][] {
    const all = [...this.#tasks.commandsBefore(before)];
    return all.filter(([, command]) => String(command.lun) === String(lun));
  }

  #nopIn(pdu: Of<'nop-in'>): InitiatorOutcome | string | undefined {
    if (pdu.tag === NO_TAG) {
      // Of the target's own accord, so that no StatSN is used up: a ping, or only a word about the command window.
      return pdu.targetTag === NO_TAG ? undefined : { kind: 'send', pieces: this.#requests.pong(pdu) };
    }
    const wrong = this.#numbering.takeStatus(pdu.statSN);
    if (wrong !== undefined) return wrong;
    const task = this.#find(pdu.tag, 'ping');
    if (typeof task === 'string' || task === undefined) return task;
    this.#tasks.close(pdu.tag);
    return task.abandoned ? undefined : { kind: 'pong', tag: pdu.tag };
  }

  #text({ tag, targetTag, final, continued, data }: Of<'text'>): InitiatorOutcome | string | undefined {
    const task = this.#find(tag, 'text');
    if (typeof task === 'string' || task === undefined) return task;
    const tooLong = task.input.push(data);
    if (tooLong !== undefined) return `with ${tooLong}`;
    if (!final) {
      if (targetTag === NO_TAG) return 'that is not the last one and has no tag to go on with';
      task.rounds += 1;
      if (task.rounds > ISCSI_LIMIT.textRounds) return 'that comes to no end';
      // Whether its text is cut here or the target just has more to say, it is its turn.
      if (continued || !task.negotiation)
        return { kind: 'send', pieces: this.#requests.moreText(tag, targetTag, []) };
    }
    const pairs = task.input.take();
    if (typeof pairs === 'string') return `with ${pairs}`;
    if (task.negotiation) {
      const answers = this.#renegotiate(pairs);
      if (typeof answers === 'string') return answers;
      if (!final) return { kind: 'send', pieces: this.#requests.moreText(tag, targetTag, answers) };
    }
    this.#tasks.close(tag);
    return task.abandoned || task.negotiation ? undefined : { kind: 'text', tag, pairs };
  }

  /** In this phase only the length of data segments can change (section 13.12). */
  #renegotiate(pairs: readonly Pair[]): Pair[] | string {
    const answers: Pair[] = [];
    for (const [key, value] of pairs) {
      if (key === 'MaxRecvDataSegmentLength') {
        const { least, most } = rules[key];
        const bytes = numberOf(value) ?? 0;
        if (bytes < least || bytes > most) return `with ${key}=${JSON.stringify(value)}`;
        this.#session.maxSendSegmentBytes = bytes;
      } else if (answers.length < ISCSI_LIMIT.unknownKeys) answers.push([key, 'NotUnderstood']);
    }
    return answers;
  }

  #loggedOut({ tag, response }: Of<'logout'>): InitiatorOutcome | string | undefined {
    const task = this.#find(tag, 'logout');
    if (typeof task === 'string' || task === undefined) return task;
    this.#tasks.close(tag);
    return response === 0 ? { kind: 'logged-out' } : `that refuses it (response ${response})`;
  }

  #event(pdu: Of<'async'>): InitiatorOutcome | string {
    const event = readAsync(pdu);
    if (event === undefined) return `with sense data beyond its ${pdu.data.length} bytes`;
    if (event.kind === 'tasks-terminated')
      for (const [tag] of this.#commandsTo(pdu.lun)) this.#tasks.end(tag);
    return { kind: 'async', event, lun: pdu.lun };
  }

  /**
   * A request that was not taken has no other answer. A Data-Out that was not is the end: at ErrorRecoveryLevel 0 it is
   * not sent again.
   */
  #rejected({ reason, data }: Of<'reject'>): InitiatorOutcome | string | undefined {
    const { opcode, tag, what, why } = readReject(reason, data);
    if (this.#tasks.hasEnded(tag)) return undefined;
    const task = this.#tasks.get(tag);
    if (task === undefined || task.kind === 'logout' || opcode === INITIATOR_OPCODE.DATA_OUT)
      return `of ${what}: ${why}`;
    this.#tasks.end(tag);
    return task.abandoned ? undefined : { kind: 'failed', tag, text: `${what} was rejected: ${why}` };
  }

  /** The open task that a PDU is about; what is wrong; or undefined when nothing is and nobody waits for it. */
  #find<Kind extends Task['kind']>(tag: number, kind: Kind): TaskOf<Kind> | string | undefined {
    const task = this.#tasks.get(tag);
    if (task?.kind === kind) return task as TaskOf<Kind>;
    if (this.#tasks.hasEnded(tag)) return undefined;
    const name = `0x${tag.toString(16)}`;
    if (task === undefined) return `with tag ${name}, which nothing unanswered has`;
    return `with tag ${name}, which is that of a ${names[task.kind]}`;
  }
}

const names = {
  command: pduName(INITIATOR_OPCODE.SCSI_COMMAND),
  ping: pduName(INITIATOR_OPCODE.NOP_OUT),
  logout: pduName(INITIATOR_OPCODE.LOGOUT),
  management: pduName(INITIATOR_OPCODE.TASK_MANAGEMENT),
  text: pduName(INITIATOR_OPCODE.TEXT),
};
