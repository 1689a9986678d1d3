import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetConnectOpts } from 'node:net';
import { encodeHeader } from '../area/header.ts';
import { recordOffset, type SectorBytes } from '../area/layout.ts';
import { encodeRecord } from '../area/record.ts';
import type { AuditLine } from '../ports/audit.ts';
import type { Header, OwnershipRecord } from '../protocol/types.ts';
import type { Backend } from './areas.ts';
import { AuditLog } from './audit.ts';
import { RawClient } from './raw-client.fixture.ts';
import { type RunningStorage, startStorage, type StorageOptions } from './start.ts';

/** What the gates of tests read and write their files with: ARBITER_BACKEND=nbdkit holds them all to the same claims. */
export const BACKEND = (process.env['ARBITER_BACKEND'] ?? 'file') as Backend;

export const CLUSTER = 'c1'.repeat(16);
export const QUORUM_BYTES = 64 * 1024;
export const DATA_BYTES = 1024 * 1024;

/** An owner as the record shows it; `incarnation` is one digit, repeated. */
export function owned(node: string, epoch: number, incarnation = 'a', count = 1): OwnershipRecord {
  return { status: 1, node, epoch, incarnation: incarnation.repeat(32), count, successor: '', pause: null };
}

export function dataName(node: string, epoch: number, incarnation = 'a'): string {
  return `data@${node}.${epoch}.${incarnation.repeat(8)}`;
}

export function recordSector(
  record: OwnershipRecord,
  sectorBytes: SectorBytes = 512,
  clusterId = CLUSTER,
): Uint8Array {
  return encodeRecord(record, { clusterId, sectorBytes });
}

export function headerSector(sectorBytes: SectorBytes = 512, clusterId = CLUSTER): Uint8Array {
  const timings = { intervalMs: 1000, misses: 5, settleMs: 1000, deadlineMs: 500, stopGraceMs: 1000 };
  const header: Header = { clusterId, sectorBytes, slots: 3, mode: 'plain', timings };
  return encodeHeader(header);
}

/** A directory with what a storage node needs; every gate over it shares its files. */
export class StorageDir implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'arbiter-gate-'));
  readonly quorum = join(this.path, 'quorum.img');
  readonly data = join(this.path, 'data.img');
  readonly state = join(this.path, 'state');
  readonly control = join(this.path, 'control.sock');

  /** `sectorBytes` of the formatted area; null leaves it unformatted. */
  constructor(sectorBytes: SectorBytes | null = 512, record?: OwnershipRecord) {
    const quorum = Buffer.alloc(QUORUM_BYTES);
    if (sectorBytes !== null) {
      quorum.set(headerSector(sectorBytes));
      if (record !== undefined) quorum.set(recordSector(record, sectorBytes), recordOffset(sectorBytes));
    }
    writeFileSync(this.quorum, quorum);
    writeFileSync(this.data, Buffer.alloc(DATA_BYTES));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The audit of one gate, as lines, with a way to wait for one. */
export class AuditTrail {
  readonly lines: AuditLine[] = [];
  readonly log = new AuditLog((text) => this.take(text.trimEnd().split('\n')));
  readonly #waiting = new Set<() => void>();

  /** The first line of that event that fits; waits for it. The runner's time-out bounds it. */
  async line<E extends AuditLine['event']>(
    event: E,
    fits: (line: Extract<AuditLine, { event: E }>) => boolean = () => true,
  ): Promise<Extract<AuditLine, { event: E }>> {
    for (;;) {
      const found = this.all(event).find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  all<E extends AuditLine['event']>(event: E): Extract<AuditLine, { event: E }>[] {
    return this.lines.filter((line): line is Extract<AuditLine, { event: E }> => line.event === event);
  }

  /** The events alone, without those of server processes: equal whatever the backend. */
  get events(): string[] {
    return this.lines.map(({ event }) => event).filter((event) => !event.startsWith('server-'));
  }

  take(lines: readonly string[]): void {
    for (const line of lines) this.lines.push(JSON.parse(line) as AuditLine);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resume of waiting) resume();
  }
}

/** A gate in this process, with everything a test wants to know of it. */
export class TestGate implements AsyncDisposable {
  readonly dir: StorageDir;
  readonly audit: AuditTrail;
  readonly troubles: string[];
  readonly #running: RunningStorage;
  readonly #clients: RawClient[] = [];
  #stopped = false;

  private constructor(dir: StorageDir, audit: AuditTrail, troubles: string[], running: RunningStorage) {
    this.dir = dir;
    this.audit = audit;
    this.troubles = troubles;
    this.#running = running;
  }

  static async start(dir: StorageDir, options: Partial<StorageOptions> = {}): Promise<TestGate> {
    const audit = new AuditTrail();
    const troubles: string[] = [];
    const running = await startStorage({
      listen: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
      quorumFile: dir.quorum,
      dataFile: dir.data,
      stateDir: dir.state,
      controlSocket: dir.control,
      fencing: true,
      backend: BACKEND,
      lockWaitMs: 0,
      audit: audit.log,
      onTrouble: (line) => troubles.push(line),
      ...options,
    });
    return new TestGate(dir, audit, troubles, running);
  }

  get gate(): RunningStorage['gate'] {
    return this.#running.gate;
  }

  /** `127.0.0.1:PORT`. */
  get address(): string {
    return this.#running.listening[0]!;
  }

  get to(): NetConnectOpts {
    return { host: '127.0.0.1', port: Number(this.address.split(':')[1]) };
  }

  uri(name: string): string {
    return `nbd://${this.address}/${name}`;
  }

  async connect(): Promise<RawClient> {
    return this.#keep(await RawClient.connect(this.to));
  }

  async into(name: string): Promise<RawClient> {
    return this.#keep(await RawClient.into(this.to, name));
  }

  /** What a client that asks for `name` is told. */
  async refusal(name: string): Promise<string> {
    const client = await this.connect();
    const answer = await client.go(name);
    client.destroy();
    return answer !== 'no answer' && 'refused' in answer ? answer.refused : JSON.stringify(answer);
  }

  /** Writes the record as an agent does. Resolves when it is acknowledged. */
  async own(record: OwnershipRecord, sectorBytes: SectorBytes = 512): Promise<void> {
    const client = await this.into('quorum');
    const answer = await client.write(recordOffset(sectorBytes), recordSector(record, sectorBytes), {
      fua: true,
    });
    if (answer.outcome !== 'ok') throw new Error(`the record could not be written: ${answer.outcome}`);
    client.destroy();
  }

  async stop(reason = 'test'): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#running.stop(reason, 2000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await this.stop();
  }

  #keep(client: RawClient): RawClient {
    this.#clients.push(client);
    return client;
  }
}
