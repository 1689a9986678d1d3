import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type Digests, noDigests, RawPdu, sealed } from '../../wire/iscsi/pdu.ts';
import { PduFraming } from '../../wire/iscsi/framing.ts';
import { decodeInitiatorPdu, type InitiatorPdu } from '../../wire/iscsi/initiator-pdu.ts';
import { encodeTargetHeader, type TargetPdu } from '../../wire/iscsi/target-pdu.ts';
import { parseCdb } from '../../wire/scsi/cdb.ts';
import { OPERATION } from '../../wire/scsi/operation.ts';
import type { IscsiAddress } from '../uri-iscsi.ts';
import { capacity, fixedSense, modeHeader, standardInquiry } from './unit-data.fixture.ts';

export type LoginPdu = InitiatorPdu & { kind: 'login' };
export type CommandPdu = InitiatorPdu & { kind: 'command' };
type Windowed = 'statSN' | 'expCmdSN' | 'maxCmdSN';
/** A PDU without its numbers, which the conversation puts in. */
type Said<P = TargetPdu> = P extends TargetPdu ? Omit<P, Windowed> & Partial<Pick<P, Windowed>> : never;

const none = new Uint8Array(0);
const noResidual = { kind: 'none', bytes: 0 } as const;
const noTag = 0xffff_ffff;

/** One connection, as its target sees it. */
export class Conversation {
  readonly socket: Socket;
  /** 0, 1, ... in the order they were accepted. */
  readonly index: number;
  statSN = 1;
  expCmdSN = 1;
  /** Commands that the initiator may send beyond the next one. */
  window = 64;
  digests: Digests = noDigests;

  constructor(socket: Socket, index: number) {
    this.socket = socket;
    this.index = index;
  }

  say(pdu: Said): void {
    for (const piece of this.encode(pdu)) this.socket.write(piece);
  }

  /** The same, to be spoilt first. */
  encode(pdu: Said): Uint8Array[] {
    const isPing = pdu.kind === 'nop-in' && pdu.tag === noTag;
    const counts = !(pdu.kind === 'r2t' || isPing || (pdu.kind === 'data-in' && !pdu.hasStatus));
    const numbers = {
      statSN: pdu.kind === 'data-in' && !pdu.hasStatus ? 0 : this.statSN,
      expCmdSN: this.expCmdSN,
      maxCmdSN: this.expCmdSN + this.window - 1,
    };
    if (counts) this.statSN += 1;
    const data = 'data' in pdu ? pdu.data : none;
    return sealed(encodeTargetHeader({ ...numbers, ...pdu }), data, this.digests);
  }

  /** The response to a login; on to the stage that was asked for, unless it is said otherwise. */
  loginResponse(
    request: LoginPdu,
    keys: readonly string[],
    otherwise: Partial<Said & { kind: 'login' }> = {},
  ): void {
    const { transit, currentStage, nextStage, isid, tag } = request;
    this.say({
      ...{ kind: 'login', transit, continued: false, currentStage, nextStage, isid, tag },
      ...{ versionMax: 0, versionActive: 0, statusClass: 0, statusDetail: 0 },
      tsih: transit && nextStage === 3 ? 1 : 0,
      data: Buffer.from(keys.map((key) => `${key}\0`).join('')),
      ...otherwise,
    });
  }

  /** What was asked for and the status GOOD, in one PDU; with less than that, the residual. */
  data({ tag, lun, expectedBytes }: CommandPdu, data: Uint8Array, otherwise: object = {}): void {
    const sent = data.subarray(0, expectedBytes);
    const missing = expectedBytes - sent.length;
    this.say({
      ...{ kind: 'data-in', final: true, acknowledge: false, hasStatus: true, status: 0, lun, tag },
      ...{ targetTag: noTag, dataSN: 0, offsetBytes: 0, data: sent },
      residual: missing > 0 ? { kind: 'underflow', bytes: missing } : noResidual,
      ...otherwise,
    });
  }

  status({ tag }: CommandPdu, status: number, sense: Uint8Array = none, otherwise: object = {}): void {
    const data =
      sense.length === 0 ? none : Buffer.concat([Uint8Array.of(sense.length >> 8, sense.length), sense]);
    this.say({
      ...{ kind: 'response', response: 0, status, tag, expDataSN: 0, residual: noResidual, data },
      ...otherwise,
    });
  }
}

export interface Script {
  /** Says something at once, whatever comes. */
  greeting?: (talk: Conversation) => void;
  /** True: this login was dealt with, by answering or by not answering it. */
  login?: (request: LoginPdu, talk: Conversation) => boolean;
  /** The same for a command; of a write all of the data is in `data`. */
  command?: (request: CommandPdu, talk: Conversation) => boolean;
  /** The same for everything else. */
  other?: (request: InitiatorPdu, talk: Conversation) => boolean;
  /** Bytes of the unit's disk. */
  sizeBytes?: number;
}

/**
 * An iSCSI target that does what its script says, and otherwise what a target of one small disk (LUN 1) does: it lets
 * everybody in, grants what it is asked for but R2T, and keeps what is written.
 */
export class ScriptedTarget implements AsyncDisposable {
  readonly connections: Conversation[] = [];
  /** The operation codes that came, and how many bytes with them. */
  readonly seen: { operation: number; dataBytes: number; connection: number }[] = [];
  script: Script;
  readonly disk: Uint8Array;
  readonly #server: Server;

  static async listen(script: Script = {}): Promise<ScriptedTarget> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ScriptedTarget(server, script);
  }

  private constructor(server: Server, script: Script) {
    this.script = script;
    this.disk = new Uint8Array(script.sizeBytes ?? 65536);
    this.#server = server.on('connection', (socket) => this.#accept(socket));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  address(more: Partial<IscsiAddress> = {}): IscsiAddress {
    const where = {
      host: '127.0.0.1',
      port: this.port,
      target: 'iqn.2026-11.example.arbiter:scripted',
      lun: 1,
    };
    return { ...where, headerDigest: 'none', dataDigest: 'none', ...more };
  }

  /** Commands with this operation code that came. */
  count(operation: number): number {
    return this.seen.filter((each) => each.operation === operation).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const { socket } of this.connections) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const talk = new Conversation(socket, this.connections.length);
    this.connections.push(talk);
    const framing = new PduFraming(0xff_ffff);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      framing.push(chunk);
      for (let pdu = framing.take(); pdu instanceof RawPdu; pdu = framing.take()) {
        const decoded = decodeInitiatorPdu(pdu);
        if (decoded === undefined) throw new Error('the initiator sent what is no PDU of one');
        this.#hear(decoded, talk);
        // What was agreed holds from the next PDU on.
        framing.agree(talk.digests, 0xff_ffff);
      }
    });
    this.script.greeting?.(talk);
  }

  #hear(pdu: InitiatorPdu, talk: Conversation): void {
    if ('cmdSN' in pdu && !pdu.immediate) talk.expCmdSN = pdu.cmdSN + 1;
    switch (pdu.kind) {
      case 'login':
        if (this.script.login?.(pdu, talk) !== true) talk.loginResponse(pdu, []);
        return;
      case 'command':
        this.seen.push({ operation: pdu.cdb[0]!, dataBytes: pdu.data.length, connection: talk.index });
        if (this.script.command?.(pdu, talk) !== true) this.#carryOut(pdu, talk);
        return;
      default:
        if (this.script.other?.(pdu, talk) !== true && pdu.kind === 'logout') {
          talk.say({ kind: 'logout', response: 0, tag: pdu.tag, waitSeconds: 2, retainSeconds: 0 });
          talk.socket.end();
        }
    }
  }

  #carryOut(pdu: CommandPdu, talk: Conversation): void {
    const { lba = 0, blocks = 0 } = parseCdb(pdu.cdb)!;
    switch (pdu.cdb[0]) {
      case OPERATION.INQUIRY:
        if (pdu.cdb[1] === 0) talk.data(pdu, standardInquiry());
        else talk.status(pdu, 2, fixedSense(5, 0x24));
        return;
      case OPERATION.SERVICE_ACTION_IN_16:
        talk.data(pdu, capacity(this.disk.length / 512, 512));
        return;
      case OPERATION.MODE_SENSE_6:
        talk.data(pdu, modeHeader({ fua: true }));
        return;
      case OPERATION.READ_16:
        talk.data(pdu, this.disk.slice(lba * 512, (lba + blocks) * 512));
        return;
      case OPERATION.WRITE_16:
        this.disk.set(pdu.data, lba * 512);
        talk.status(pdu, 0);
        return;
      default:
        talk.status(pdu, 0);
    }
  }
}

/** Resolves when the initiator has ended the connection. */
export function ended({ socket }: Conversation): Promise<void> {
  // Not `once`: that one rejects when the end is a reset, which is as good an end as any.
  return new Promise((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));
}
