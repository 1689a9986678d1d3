import { request } from 'node:http';
import type { OwnershipRecord } from '../../protocol/types.ts';
import { AuditTrail, recordSector, type StorageDir } from '../gate.fixture.ts';
import type { RawLogin } from './login-text.fixture.ts';
import { DATA, QUORUM, RawInitiator } from './raw-initiator.fixture.ts';
import { type RunningTgtStorage, startTgtStorage, type TgtStorageOptions } from './start.ts';

/** A storage node with tgtd in this process, with everything a test wants to know of it. */
export class TestTap implements AsyncDisposable {
  readonly dir: StorageDir;
  readonly audit: AuditTrail;
  readonly troubles: string[];
  readonly #running: RunningTgtStorage;
  readonly #initiators: RawInitiator[] = [];
  #stopped = false;

  private constructor(dir: StorageDir, audit: AuditTrail, troubles: string[], running: RunningTgtStorage) {
    this.dir = dir;
    this.audit = audit;
    this.troubles = troubles;
    this.#running = running;
  }

  static async start(dir: StorageDir, options: Partial<TgtStorageOptions> = {}): Promise<TestTap> {
    const audit = new AuditTrail();
    const troubles: string[] = [];
    const running = await startTgtStorage({
      listen: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
      quorumFile: dir.quorum,
      dataFile: dir.data,
      stateDir: dir.state,
      controlSocket: dir.control,
      fencing: true,
      lockWaitMs: 0,
      audit: audit.log,
      onTrouble: (line) => troubles.push(line),
      ...options,
    });
    return new TestTap(dir, audit, troubles, running);
  }

  /** `127.0.0.1:PORT`. */
  get address(): string {
    return this.#running.listening[0]!;
  }

  get port(): number {
    return Number(this.address.split(':')[1]);
  }

  /** The tgtd that serves. */
  get tgtdPid(): number {
    return this.audit.all('server-started').at(-1)!.pid;
  }

  async into(login: Partial<RawLogin> = {}): Promise<RawInitiator> {
    const initiator = await RawInitiator.into({ port: this.port, ...login });
    this.#initiators.push(initiator);
    // What a new session is told first: the unit was just powered on.
    await initiator.settle(QUORUM);
    await initiator.settle(DATA);
    return initiator;
  }

  /** Resolves when there is a tgtd behind it again. */
  async serves(): Promise<void> {
    for (;;) {
      const initiator = await RawInitiator.connect({ port: this.port });
      const answer = await initiator.login({ port: this.port, discovery: true });
      initiator.destroy();
      if (answer.kind === 'login') return;
    }
  }

  async connect(): Promise<RawInitiator> {
    const initiator = await RawInitiator.connect({ port: this.port });
    this.#initiators.push(initiator);
    return initiator;
  }

  /** A session of an owner, as an agent opens it. */
  owner(node: string, epoch: number, login: Partial<RawLogin> = {}): Promise<RawInitiator> {
    const name = `iqn.2026-11.example.arbiter:${node}`;
    return this.into({ name, alias: `data@${node}.${epoch}.aaaaaaaa`, ...login });
  }

  /** Writes the record as an agent does. Resolves when it is acknowledged. */
  async own(record: OwnershipRecord): Promise<void> {
    const initiator = await this.into({ alias: 'quorum' });
    const { outcome } = await initiator.write(QUORUM, 1, recordSector(record));
    if (outcome !== 'ok') throw new Error(`the record could not be written: ${outcome}`);
    initiator.destroy();
  }

  /** One request to the control socket: status code and JSON. */
  ask(method: string, path: string, body?: unknown): Promise<[number, unknown]> {
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: this.dir.control, method, path }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve([response.statusCode ?? 0, JSON.parse(text)]));
      });
      asked.on('error', reject);
      asked.end(body === undefined ? body : JSON.stringify(body));
    });
  }

  async arm(rule: object): Promise<string> {
    const [code, body] = await this.ask('POST', '/rules', rule);
    if (code !== 201) throw new Error(JSON.stringify(body));
    return (body as { id: string }).id;
  }

  async holding(id: string): Promise<void> {
    await this.ask('GET', `/rules/${id}?wait=holding&timeoutMs=60000`);
  }

  /** Resolves when so many commands were passed on to tgtd and not answered. */
  async underWay(count: number): Promise<void> {
    await this.#total('requestsInFlight', (requests) => requests >= count);
  }

  /** What clients have asked for and not taken, once that fits. */
  owedBytes(fits: (bytes: number) => boolean): Promise<number> {
    return this.#total('owedBytes', fits);
  }

  async #total(what: 'requestsInFlight' | 'owedBytes', fits: (sum: number) => boolean): Promise<number> {
    for (;;) {
      const [, status] = await this.ask('GET', '/status');
      const { connections } = status as { connections: Record<typeof what, number>[] };
      const sum = connections.reduce((before, each) => before + each[what], 0);
      if (fits(sum)) return sum;
    }
  }

  async stop(reason = 'test', withinMs = 2000): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#running.stop(reason, withinMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const initiator of this.#initiators) initiator.destroy();
    await this.stop();
  }
}

/** The key of the server whose slot an epoch is of; there are three in the header of tests. */
export function keyOf(epoch: number): bigint {
  return (BigInt(epoch % 3) << 48n) | BigInt(epoch);
}

/** Takes the data unit as R7 has it; resolves with the outcomes of its steps. */
export async function obtain(initiator: RawInitiator, epoch: number, victim?: bigint): Promise<string[]> {
  const key = keyOf(epoch);
  const outcomes = [(await initiator.reserveOut('REGISTER_AND_IGNORE_EXISTING_KEY', 0n, key)).outcome];
  if (victim === undefined) outcomes.push((await initiator.reserveOut('RESERVE', key)).outcome);
  else {
    outcomes.push((await initiator.reserveOut('PREEMPT', key, victim)).outcome, await initiator.reset());
    await initiator.settle(DATA);
  }
  return outcomes;
}
