import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeInitiatorHeader, type InitiatorPdu } from '../../wire/iscsi/initiator-pdu.ts';
import type { Lun } from '../../wire/iscsi/header-fields.ts';
import { PduFraming } from '../../wire/iscsi/framing.ts';
import { type Digests, noDigests, RawPdu, sealed } from '../../wire/iscsi/pdu.ts';
import { decodeTargetPdu } from '../../wire/iscsi/target-pdu-decode.ts';
import type { TargetPdu } from '../../wire/iscsi/target-pdu.ts';
import { OPERATION } from '../../wire/scsi/operation.ts';
import { parseReservation } from '../../wire/scsi/persistent-reserve-data.ts';
import {
  persistentReserveIn,
  persistentReserveOut,
  PR_IN,
  PR_OUT,
} from '../../wire/scsi/persistent-reserve.ts';
import type { ScsiRequest } from '../../wire/scsi/request.ts';
import { cdb16 } from './cdb16.fixture.ts';
import { loginText, type RawLogin } from './login-text.fixture.ts';
import { outcomeOf, senseIn } from './task.ts';

type Command = InitiatorPdu & { kind: 'command' };

export interface RawAnswer {
  /** `ok`, the status or the sense data in words, `no answer` when the connection ended first. */
  outcome: string;
  data: Buffer;
}

export const QUORUM = 1;
export const DATA = 2;
const [NO_TAG, EMPTY] = [0xffff_ffff, new Uint8Array(0)];
/** What tgtd lets come with a command. */
const FIRST_BURST = 262144;
let sessions = 0;

/** An initiator that does what it is told, byte by byte, and nothing for its own safety. */
export class RawInitiator {
  readonly socket: Socket;
  readonly #framing = new PduFraming(0xff_ffff);
  readonly #open = new Map<
    number,
    { command: Command | null; parts: Buffer[]; resolve(answer: RawAnswer): void }
  >();
  readonly #texts: ((pdu: TargetPdu) => void)[] = [];
  /** Whether what the target asks for is sent. */
  sendsData = true;
  digests: Digests = noDigests;
  #cmdSN = 1;
  #expStatSN = 0;
  #lastTag = 0;
  isGone = false;
  #session: { isid: Uint8Array; tsih: number } = { isid: EMPTY, tsih: 0 };
  /** PDUs that came, by kind. */
  readonly seen: string[] = [];
  /** StatSN of every answer that uses one up. */
  readonly statSNs: number[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#framing.push(chunk);
      this.#take();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isGone = true;
      for (const { resolve } of this.#open.values()) resolve({ outcome: 'no answer', data: Buffer.alloc(0) });
      this.#open.clear();
      for (const tell of this.#texts.splice(0)) tell({ kind: 'logout' } as TargetPdu);
    });
  }

  static async connect({ port, host = '127.0.0.1', localAddress }: RawLogin): Promise<RawInitiator> {
    const from = localAddress === undefined ? {} : { localAddress };
    const socket = connect({ port, host, noDelay: true, ...from });
    await once(socket, 'connect');
    return new RawInitiator(socket);
  }

  /** As the target numbered it, and the number of its next command: for who wants to join it. */
  get session(): RawLogin['joins'] & object {
    return { ...this.#session, cmdSN: this.#cmdSN };
  }

  /** Logged in to both units. Rejects when it is refused. */
  static async into(login: RawLogin): Promise<RawInitiator> {
    const initiator = await RawInitiator.connect(login);
    const answer = await initiator.login(login);
    if (answer.kind !== 'login' || answer.statusClass !== 0)
      throw new Error(`login: ${JSON.stringify(answer)}`);
    return initiator;
  }

  /** Resolves with the last answer; `logout` when the connection ended. */
  login(login: RawLogin): Promise<TargetPdu> {
    const { digest = false, joins } = login;
    const { isid, tsih } = joins ?? {
      isid: Uint8Array.of(0x80, 0, 0, 0, ++sessions >> 8, sessions),
      tsih: 0,
    };
    this.#cmdSN = joins?.cmdSN ?? this.#cmdSN;
    const stage = {
      transit: true,
      continued: false,
      currentStage: 1,
      nextStage: 3,
      versionMax: 0,
      versionMin: 0,
    };
    const ask = (data: Uint8Array, expStatSN: number, security = false): void => {
      const at = security ? { currentStage: 0, nextStage: 1 } : {};
      const numbers = { immediate: true, tag: this.#lastTag, cmdSN: this.#cmdSN, expStatSN };
      this.send({
        kind: 'login',
        ...numbers,
        ...stage,
        ...at,
        isid,
        tsih,
        connection: joins === undefined ? 0 : 1,
        data,
      });
    };
    // A session is joined where security has been negotiated.
    ask(loginText(login, joins !== undefined), 0, joins !== undefined);
    return new Promise((resolve) => {
      const heard = (pdu: TargetPdu): void => {
        if (pdu.kind === 'login' && pdu.statusClass === 0 && !(pdu.transit && pdu.nextStage === 3)) {
          this.#texts.push(heard);
          return ask(EMPTY, pdu.statSN + 1);
        }
        if (pdu.kind === 'login' && pdu.statusClass === 0 && digest) {
          this.digests = { header: true, data: true };
          this.#framing.agree(this.digests, 0xff_ffff);
        }
        if (pdu.kind === 'login') this.#session = { isid, tsih: pdu.tsih };
        resolve(pdu);
      };
      this.#texts.push(heard);
    });
  }

  sendTargets(): Promise<TargetPdu> {
    const data = Buffer.from('SendTargets=All\0');
    this.send({
      kind: 'text',
      ...this.#numbers(),
      final: true,
      continued: false,
      lun: 0,
      targetTag: NO_TAG,
      data,
    });
    return new Promise((resolve) => this.#texts.push(resolve));
  }

  send(pdu: InitiatorPdu): void {
    const data = 'data' in pdu ? pdu.data : EMPTY;
    for (const piece of sealed(encodeInitiatorHeader(pdu), data, this.digests)) this.socket.write(piece);
  }

  /** One command; up to `immediateBytes` of its data go with it, the rest when it is asked for. */
  command(
    lun: Lun,
    { cdb, dataOut, dataInBytes }: ScsiRequest,
    immediateBytes = FIRST_BURST,
  ): Promise<RawAnswer> {
    const data = dataOut?.subarray(0, immediateBytes) ?? EMPTY;
    const command: Command = {
      kind: 'command',
      ...this.#numbers(),
      final: true,
      read: dataInBytes !== undefined,
      write: dataOut !== undefined,
      attribute: 1,
      lun,
      expectedBytes: dataInBytes ?? dataOut?.length ?? 0,
      cdb,
      data,
    };
    if (this.isGone) return Promise.resolve({ outcome: 'no answer', data: Buffer.alloc(0) });
    return new Promise((resolve) => {
      this.#open.set(command.tag, { command: { ...command, data: dataOut ?? EMPTY }, parts: [], resolve });
      this.send(command);
    });
  }

  write(lun: Lun, block: number, bytes: Uint8Array, immediateBytes?: number): Promise<RawAnswer> {
    return this.command(
      lun,
      { cdb: cdb16(OPERATION.WRITE_16, 8, block, bytes.length / 512), dataOut: bytes },
      immediateBytes,
    );
  }

  read(lun: Lun, block: number, blocks: number): Promise<RawAnswer> {
    return this.command(lun, { cdb: cdb16(OPERATION.READ_16, 0, block, blocks), dataInBytes: blocks * 512 });
  }

  /** TEST UNIT READY until there is no unit attention. */
  async settle(lun: number): Promise<void> {
    for (;;) {
      const { outcome } = await this.command(lun, { cdb: new Uint8Array(6) });
      if (!outcome.startsWith('UNIT ATTENTION')) return;
    }
  }

  reserveOut(
    serviceAction: keyof typeof PR_OUT,
    key: bigint,
    serviceActionKey = 0n,
    immediateBytes?: number,
  ): Promise<RawAnswer> {
    const request = persistentReserveOut(PR_OUT[serviceAction], { type: 3, key, serviceActionKey });
    return this.command(DATA, request, immediateBytes);
  }

  async holder(): Promise<bigint | undefined> {
    const { outcome, data } = await this.command(DATA, persistentReserveIn(PR_IN.READ_RESERVATION));
    if (outcome !== 'ok') throw new Error(`READ RESERVATION: ${outcome}`);
    return parseReservation(data).held?.key;
  }

  /** LOGICAL UNIT RESET; resolves with the response's number, or `no answer`. */
  async reset(lun: Lun = DATA): Promise<string> {
    const numbers = { ...this.#numbers(true), immediate: true };
    const asked = { function: 5, lun, referencedTag: NO_TAG, refCmdSN: 0 };
    const answer = new Promise<RawAnswer>((resolve) =>
      this.#open.set(numbers.tag, { command: null, parts: [], resolve }),
    );
    this.send({ kind: 'task-management', ...numbers, ...asked });
    return (await answer).outcome;
  }

  ping(data: Uint8Array): Promise<RawAnswer> {
    const numbers = this.#numbers(true);
    const answer = new Promise<RawAnswer>((resolve) =>
      this.#open.set(numbers.tag, { command: null, parts: [], resolve }),
    );
    this.send({ kind: 'nop-out', ...numbers, immediate: true, lun: 0, targetTag: NO_TAG, data });
    return answer;
  }

  /** Ends the connection without a word. */
  destroy(): void {
    this.socket.destroy();
  }

  #numbers(immediate = false): { immediate: boolean; tag: number; cmdSN: number; expStatSN: number } {
    const cmdSN = immediate ? this.#cmdSN : this.#cmdSN++;
    return { immediate, tag: ++this.#lastTag, cmdSN, expStatSN: this.#expStatSN };
  }

  #take(): void {
    for (let pdu = this.#framing.take(); pdu !== undefined; pdu = this.#framing.take()) {
      if (!(pdu instanceof RawPdu)) throw new Error(pdu.text);
      const said = decodeTargetPdu(pdu)!;
      this.seen.push(said.kind);
      const usesStatSN = said.kind !== 'r2t' && (said.kind !== 'data-in' || said.hasStatus);
      if (usesStatSN) {
        this.statSNs.push(said.statSN);
        this.#expStatSN = said.statSN + 1;
      }
      this.#heard(said);
    }
  }

  #heard(said: TargetPdu): void {
    if (said.kind === 'login' || said.kind === 'text') return this.#texts.shift()?.(said);
    if (said.kind === 'async' || said.kind === 'reject') return;
    const open = this.#open.get(said.tag);
    if (said.kind === 'r2t' && this.sendsData) return this.#sendAsked(said, open!.command!);
    if (said.kind === 'r2t' || open === undefined) return;
    if (said.kind === 'data-in') open.parts.push(Buffer.from(said.data));
    if (said.kind === 'data-in' && !said.hasStatus) return;
    this.#open.delete(said.tag);
    const data = Buffer.concat(open.parts);
    if (said.kind === 'data-in' || said.kind === 'response') {
      const sense = said.kind === 'response' ? senseIn(said.data) : EMPTY;
      return open.resolve({ outcome: outcomeOf(said.status, sense).text, data });
    }
    if (said.kind === 'nop-in') return open.resolve({ outcome: 'ok', data: Buffer.from(said.data) });
    const response = 'response' in said ? said.response : -1;
    open.resolve({ outcome: response === 0 ? 'ok' : `response ${response}`, data });
  }

  #sendAsked(
    { tag, targetTag, offsetBytes, lengthBytes }: TargetPdu & { kind: 'r2t' },
    { lun, data }: Command,
  ): void {
    for (let at = 0; at < lengthBytes; at += FIRST_BURST) {
      const end = Math.min(at + FIRST_BURST, lengthBytes);
      const part = data.subarray(offsetBytes + at, offsetBytes + end);
      const where = { dataSN: at / FIRST_BURST, offsetBytes: offsetBytes + at };
      const about = { final: end === lengthBytes, lun, tag, targetTag, expStatSN: this.#expStatSN };
      this.send({ kind: 'data-out', ...about, ...where, data: part });
    }
  }
}
