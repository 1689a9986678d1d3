import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { Initiator } from '../../src/wire/iscsi/initiator.ts';
import type { InitiatorOutcome } from '../../src/wire/iscsi/outcome.ts';
import { read16, write16 } from '../../src/wire/scsi/block-commands.ts';
import { parseCapacity16, readCapacity16 } from '../../src/wire/scsi/capacity.ts';
import type { ScsiRequest } from '../../src/wire/scsi/request.ts';
import { parseSense } from '../../src/wire/scsi/sense.ts';
import { SCSI_STATUS, scsiStatusName } from '../../src/wire/scsi/status.ts';
import type { IscsiUnitAddress } from './iscsi-address.ts';
import { ConnectionLost, ExportRefused, RequestRefused } from './nbd-disk.ts';

/** How often a unit may have something to tell before it carries a command out. */
const MOST_ATTENTIONS = 5;
const UNIT_ATTENTION = 6;

/**
 * One session with one unit, which registers nothing, reserves nothing and repeats nothing: for whoever wants to see what
 * the storage node lets through.
 */
export class IscsiUnit {
  readonly #address: IscsiUnitAddress;
  readonly #wire: Initiator;
  readonly #socket: Socket;
  readonly #ready = Promise.withResolvers<void>();
  readonly #waiting = new Map<number, PromiseWithResolvers<Answered>>();

  /** `alias`: who this says it is, as a data session of an agent does. Rejects as `NbdDisk.connect` does. */
  static async connect(address: IscsiUnitAddress, alias: string, timeoutMs: number): Promise<IscsiUnit> {
    const secret = (await readFile(address.secretFile, 'utf8')).trim();
    const unit = new IscsiUnit(address, alias, secret);
    const timer = setTimeout(() => unit.#lose(`no answer within ${timeoutMs} ms`), timeoutMs);
    try {
      await unit.#ready.promise;
      return unit;
    } finally {
      clearTimeout(timer);
    }
  }

  private constructor(address: IscsiUnitAddress, alias: string, secret: string) {
    this.#address = address;
    const isid = new Uint8Array(randomBytes(6));
    isid[0] = 0x80; // "random" (RFC 7143, section 11.12.5)
    this.#wire = new Initiator({
      ...{ initiatorName: 'iqn.2026-11.example.arbiter:trespasser', initiatorAlias: alias },
      ...{ targetName: address.target, isid, headerDigest: 'none', dataDigest: 'none' },
      chap: { user: address.user, secret },
      randomBytes: (lengthBytes) => new Uint8Array(randomBytes(lengthBytes)),
      md5: (bytes) => new Uint8Array(createHash('md5').update(bytes).digest()),
    });
    this.#socket = connect({ host: address.host, port: address.port, noDelay: true });
    this.#ready.promise.catch(() => {});
    this.#send(this.#wire.begin());
    this.#socket.on('data', (chunk) => {
      for (const outcome of this.#wire.receive(chunk)) this.#take(outcome);
    });
    this.#socket.once('error', (error: NodeJS.ErrnoException) => this.#lose(error.code ?? error.message));
    this.#socket.once('close', () => this.#lose('the connection was closed'));
  }

  /** Everybody may ask: a refusal of this is none of the data, and rejects with another error. */
  async capacity(): Promise<{ blocks: number; blockBytes: number }> {
    const data = await this.#command(readCapacity16(), 'READ CAPACITY').catch((error: Error) => {
      throw new Error(error.message);
    });
    const { blocks, blockBytes } = parseCapacity16(data);
    return { blocks, blockBytes };
  }

  async read(block: number, blockBytes: number): Promise<Uint8Array> {
    return this.#command(read16(block, 1, blockBytes), `READ of block ${block}`);
  }

  /** One block, with forced unit access. */
  async write(block: number, bytes: Uint8Array): Promise<void> {
    await this.#command(write16(block, bytes, bytes.length, { fua: true }), `WRITE of block ${block}`);
  }

  close(): void {
    this.#socket.end();
  }

  /** What a unit has to tell first (a login of somebody new) is heard; nothing has been carried out then. */
  async #command(request: ScsiRequest, what: string): Promise<Uint8Array> {
    for (let attention = 0; ; attention++) {
      const { status, sense, data } = await this.#ask(request);
      if (status === SCSI_STATUS.GOOD) return data;
      const isAttention = status === SCSI_STATUS.CHECK_CONDITION && parseSense(sense)?.key === UNIT_ATTENTION;
      if (isAttention && attention < MOST_ATTENTIONS) continue;
      const name = scsiStatusName(status);
      throw new RequestRefused(`${this.#name}: ${what} failed: ${name}`, name);
    }
  }

  #ask(request: ScsiRequest): Promise<Answered> {
    const issued = this.#wire.issue({ ...request, lun: this.#address.lun });
    if (issued === undefined) throw new Error(`${this.#name}: the target takes no command`);
    const waiting = Promise.withResolvers<Answered>();
    this.#waiting.set(issued.tag, waiting);
    this.#send(issued.pieces);
    return waiting.promise;
  }

  #send(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) this.#socket.write(piece);
  }

  #take(outcome: InitiatorOutcome): void {
    switch (outcome.kind) {
      case 'send':
        return this.#send(outcome.pieces);
      case 'ready':
        return this.#ready.resolve();
      case 'refused':
        this.#ready.reject(new ExportRefused(`${this.#name}: ${outcome.text}`, undefined));
        return void this.#socket.end();
      case 'answered':
        return this.#waiting.get(outcome.tag)?.resolve(outcome);
      case 'failed':
        return this.#waiting.get(outcome.tag)?.reject(new ConnectionLost(`${this.#name}: ${outcome.text}`));
      case 'broken':
        return this.#lose(outcome.text);
      default:
    }
  }

  get #name(): string {
    const { host, port, target, lun } = this.#address;
    return `iscsi://${host}:${port}/${target}/${lun}`;
  }

  #lose(reason: string): void {
    this.#socket.destroy();
    const lost = new ConnectionLost(`${this.#name}: ${reason}`);
    this.#ready.reject(lost);
    for (const { reject } of this.#waiting.values()) reject(lost);
  }
}

type Answered = Extract<InitiatorOutcome, { kind: 'answered' }>;
