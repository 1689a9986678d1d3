import { RequestFailed } from '../../ports/block-device.ts';
import { operationName } from '../../wire/scsi/operation.ts';
import { MalformedScsiData, type ScsiRequest } from '../../wire/scsi/request.ts';
import { failureOf } from './condition.ts';
import type { IscsiSession } from './session.ts';

/** One logical unit, by one session: an I_T_L nexus (SAM-5, 4.6.2). */
export class ScsiUnit {
  readonly session: IscsiSession;
  readonly lun: number;

  constructor(session: IscsiSession, lun: number) {
    this.session = session;
    this.lun = lun;
  }

  get name(): string {
    return this.session.name;
  }

  /**
   * One command, sent once, answered by `untilMs` of `performance.now()`. Resolves with what it read. Rejects with
   * `RequestFailed` when the unit answered anything but GOOD, `code` its status (`RESERVATION CONFLICT`) or its sense
   * (`UNIT ATTENTION 29/00`), or moved fewer bytes than it was asked to (EIO); and as `IscsiSession.command`. `what`: for
   * messages. Whatever a unit answers, its effect counts as possible: by the standards a command that met UNIT ATTENTION or
   * RESERVATION CONFLICT was not carried out (SAM-5, 5.3.1 and 5.14), but a reset or a gateway in between may end with
   * just these a command that was.
   */
  async run(request: ScsiRequest, untilMs: number, what = this.#what(request)): Promise<Uint8Array> {
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) throw this.#notSent(what, 'its deadline passed', 'ETIMEDOUT');
    if (!this.session.usable) throw this.#notSent(what, 'the session was lost', 'ENOTCONN');
    const answer = await this.session.command(this.lun, request, leftMs, what);
    const failure = failureOf(answer);
    if (failure !== undefined) throw this.#failed(what, `failed with ${failure.words}`, failure.code);
    if (request.dataOut !== undefined && answer.missingBytes > 0) {
      throw this.#failed(what, `was answered, but ${answer.missingBytes} of its bytes were not taken`, 'EIO');
    }
    return answer.data;
  }

  /** As `run`, with what `read` makes of the answer; one that it can make nothing of is EIO. */
  async ask<T>(
    request: ScsiRequest,
    read: (data: Uint8Array) => T,
    untilMs: number,
    what?: string,
  ): Promise<T> {
    const data = await this.run(request, untilMs, what);
    try {
      return read(data);
    } catch (error) {
      if (!(error instanceof MalformedScsiData)) throw error;
      throw new RequestFailed(`${this.name}: ${error.message}`, 'EIO', { cause: error });
    }
  }

  /** When it is answered, no command that was sent to the unit before can have an effect any more (SAM-5, 7.6). */
  async resetLogicalUnit(deadlineMs: number): Promise<void> {
    if (!this.session.usable) throw this.#notSent('LOGICAL UNIT RESET', 'the session was lost', 'ENOTCONN');
    await this.session.logicalUnitReset(this.lun, deadlineMs);
  }

  #what({ cdb }: ScsiRequest): string {
    return operationName(cdb[0]!);
  }

  #failed(what: string, how: string, code: string): RequestFailed {
    return new RequestFailed(`${this.name}: ${what} ${how}`, code);
  }

  #notSent(what: string, why: string, code: string): RequestFailed {
    return new RequestFailed(`${this.name}: ${what} was not sent: ${why}`, code, { effect: 'none' });
  }
}
