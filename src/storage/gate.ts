import type { Socket } from 'node:net';
import type { Grant } from '../ports/audit.ts';
import type { ServerRequest } from '../wire/nbd/server/outcome.ts';
import { refusalText } from '../wire/nbd/refusal.ts';
import type { Audit } from './audit.ts';
import { CarryOut } from './carry-out.ts';
import { type Access, Connection, type ConnectionHost, type Intent } from './connection.ts';
import type { Disk } from './disk.ts';
import { parseExportName } from './export-name.ts';
import { servedExport } from './exports.ts';
import { Granting } from './granting.ts';
import type { GrantStore, Kept } from './grant-store.ts';
import type { Patience } from './patience.ts';
import { RecordWatch } from './record-watch.ts';
import { Rules } from './rules.ts';
import { TellOnce } from './tell-once.ts';
import type { GateTls } from './tls.ts';
import { systemReason } from './unusable.ts';
import { within } from './within.ts';

export interface GateParts {
  quorum: Disk;
  data: Disk;
  /** Ends whatever carries out requests for the data area beside this process; resolves when it is proven gone. */
  fenceData(epoch: number): Promise<void>;
  store: GrantStore;
  /** What `store` remembers. */
  kept: Kept;
  /** Off: every well-formed data name is let in and nobody is ended. For canaries and the literal method. */
  fencing: boolean;
  /** Both areas are there for reading alone. */
  readOnly: boolean;
  /** Null: clients are talked to in plain. */
  tls: GateTls | null;
  audit: Audit;
  /** How long clients are waited for; the usual when left out. */
  patience?: Patience;
  /** One line for people, about a trouble that does not stop the gate. */
  onTrouble(line: string): void;
}

/** A client that asked for the data area and waits for the decision. */
interface Waiting {
  connection: Connection;
  access: Access & { kind: 'data' };
  intent: Intent;
}

/**
 * The gate: serves the quorum area to everybody and the data area to the owner in the quorum record (PROTOCOL, "The
 * data area at the storage node"). Knows connections, not where they come from.
 */
export class Gate implements ConnectionHost {
  readonly listed = ['quorum'];
  readonly rules: Rules;
  readonly #parts: GateParts;
  readonly #watch: RecordWatch;
  readonly #granting: Granting;
  readonly #carryOut: CarryOut;
  readonly #connections = new Set<Connection>();
  readonly #waiting = new Set<Waiting>();
  #lastConnection = 0;
  #onChange: () => void = () => undefined;

  constructor(parts: GateParts) {
    const { audit, store, kept, quorum, data, onTrouble } = parts;
    this.#parts = parts;
    this.rules = new Rules((entry) => audit.write(entry));
    this.#granting = new Granting({
      ...{ audit, store, kept, onTrouble },
      clusterId: () => this.#watch.header?.clusterId ?? null,
      fence: { fence: () => this.#fence() },
      onChange: () => this.#reconsider(),
    });
    const lastGranted = (): number => this.#granting.lastEpoch;
    const unreadable = new TellOnce(onTrouble);
    this.#watch = new RecordWatch(quorum, {
      onRecord: (owned) => {
        unreadable.over();
        if (parts.fencing) this.#granting.recordSeen(owned);
        else this.#onChange();
      },
      onUnreadable: (error) => {
        unreadable.trouble(
          `storage: the quorum area cannot be read (${systemReason(error)}): nobody but the owner of epoch ` +
            `${lastGranted()} is let into the data area until it can be; see to the disk of the quorum file`,
        );
        this.#reconsider();
      },
    });
    this.#carryOut = new CarryOut({
      quorum,
      data,
      rules: this.rules,
      audit,
      watch: this.#watch,
      lastGranted,
    });
  }

  /** Reads the record; before that nobody is let in. Rejects when the quorum area cannot be read. */
  start(): Promise<void> {
    return this.#watch.start();
  }

  get tls(): GateTls | null {
    return this.#parts.tls;
  }

  /** `peer`: the client's address, as the audit and the rules name it. */
  accept(socket: Socket, peer: string): void {
    this.#connections.add(new Connection(++this.#lastConnection, peer, socket, this, this.#parts.patience));
  }

  status(): unknown {
    const { fencing } = this.#parts;
    const { phase, granted, floor, next, overtaking } = this.#granting.state;
    return {
      fencing,
      granted,
      ...(granted === null && floor > 0 ? { floor } : {}),
      phase: fencing ? phase : 'open',
      draining: phase === 'draining',
      next: overtaking ?? next,
      clusterId: this.#watch.header?.clusterId ?? null,
      dataWritesUnderWay: this.#carryOut.dataWrites.count,
      waiting: this.#waiting.size,
      connections: [...this.#connections].map(({ id, peer, access, requestsInFlight }) => {
        return { id, peer, export: access?.export ?? null, requestsInFlight };
      }),
    };
  }

  /** What carried out requests for an area is gone: its clients must not wait for answers, and not count on old ones. */
  lost(area: Access['kind'], reason: string): void {
    for (const connection of this.#connections) if (connection.access?.kind === area) connection.end(reason);
  }

  /** False when there is none of that number. */
  endConnection(id: number): boolean {
    const connection = [...this.#connections].find((each) => each.id === id);
    connection?.end('ended by control');
    return connection !== undefined;
  }

  /** Answers what is under way, up to `withinMs`, and ends every connection. What rules hold is not carried out. */
  async stop(withinMs: number): Promise<void> {
    this.#waiting.clear();
    this.rules.close();
    for (const connection of this.#connections) connection.leave('the gate stops');
    await within(withinMs, this.#becomesQuiet());
    for (const connection of this.#connections) connection.end('the gate stops');
  }

  /** Nothing of this gate uses its files, and nobody is connected. */
  get quiet(): boolean {
    const { phase } = this.#granting.state;
    const granting = phase === 'storing' || phase === 'draining';
    const idle = this.#carryOut.requests.count === 0 && this.#watch.settled && !granting;
    return idle && this.#connections.size === 0;
  }

  async #becomesQuiet(): Promise<void> {
    while (!this.quiet) {
      await this.#carryOut.requests.idle();
      if (!this.quiet) await new Promise<void>((resolve) => (this.#onChange = resolve));
    }
  }

  exportWanted(connection: Connection, name: string, intent: Intent): void {
    const wanted = parseExportName(name);
    switch (wanted.kind) {
      case 'quorum':
        return this.#admit(connection, { kind: 'quorum', export: name }, intent);
      case 'unknown':
        return this.#refuse(connection, name, null, wanted.why);
      case 'data': {
        const { identity } = connection;
        if (identity?.isNode(wanted.grant.node) === false)
          return this.#refuseStranger(connection, name, wanted.grant);
        const access = { kind: 'data', export: name, grant: wanted.grant } as const;
        if (!this.#parts.fencing) return this.#admit(connection, access, intent);
        this.#waiting.add({ connection, access, intent });
        return this.#reconsider();
      }
    }
  }

  request(connection: Connection, access: Access, request: ServerRequest): void {
    this.#carryOut.begin(connection, access, request);
  }

  beforeAnswers(): void {
    this.#parts.audit.flush();
  }

  ended(connection: Connection, reason: string): void {
    this.#connections.delete(connection);
    for (const waiting of this.#waiting) if (waiting.connection === connection) this.#waiting.delete(waiting);
    const { id, peer, access } = connection;
    const name = access?.export ?? null;
    this.#parts.audit.write({ event: 'disconnected', connection: id, peer, export: name, reason });
    this.#onChange();
  }

  /** Decides what can be decided. While the record may show something newer than was read, nothing can. */
  #reconsider(): void {
    this.#onChange();
    if (!this.#watch.settled) return;
    for (const waiting of this.#waiting) {
      const { connection, access, intent } = waiting;
      const judgement = this.#granting.judge(access.grant);
      if (judgement.answer === 'wait') continue;
      this.#waiting.delete(waiting);
      if (judgement.answer === 'refuse') this.#refuse(connection, access.export, access.grant, judgement.why);
      else this.#admit(connection, access, intent);
    }
  }

  #admit(connection: Connection, access: Access, intent: Intent): void {
    const { id, peer } = connection;
    const { data, quorum, readOnly } = this.#parts;
    const { sizeBytes } = access.kind === 'data' ? data : quorum;
    if (intent !== 'info') {
      const entry = { connection: id, peer, export: access.export, ...shown(connection) };
      if (access.kind === 'data') this.#parts.audit.write({ event: 'admitted', ...entry, ...access.grant });
      this.#parts.audit.write({ event: 'connected', ...entry });
    }
    connection.admit(access, servedExport(access.export, sizeBytes, readOnly), intent);
  }

  #refuse(connection: Connection, name: string, grant: Grant | null, reason: string): void {
    this.#recordRefusal(connection, name, grant, reason);
    connection.refuse(refusalText(name, this.#granting.lastEpoch, reason));
  }

  /** A name that is another node's. The last grant is none of that client's business, nor would a higher epoch help. */
  #refuseStranger(connection: Connection, name: string, grant: Grant): void {
    const reason = `the TLS identity '${connection.identity!.text}' is not the node '${grant.node}'`;
    this.#recordRefusal(connection, name, grant, reason);
    connection.refuse(`${name} refused: ${reason}`);
  }

  #recordRefusal(connection: Connection, name: string, grant: Grant | null, reason: string): void {
    const { id, peer } = connection;
    const asked = {
      export: name,
      node: grant?.node ?? null,
      epoch: grant?.epoch ?? null,
      ...shown(connection),
    };
    const lastGranted = this.#granting.lastEpoch;
    this.#parts.audit.write({ event: 'refused', connection: id, peer, ...asked, lastGranted, reason });
  }

  async #fence(): Promise<{ connectionsEnded: number; writesAwaited: number }> {
    const refused = this.#carryOut.refuseHeld();
    const ending = [...this.#connections].filter((connection) => connection.access?.kind === 'data');
    const reason = `epoch ${this.#granting.lastEpoch} was granted the data area`;
    for (const connection of ending) {
      const unseen = [...connection.untaken()];
      for (const request of unseen) this.#carryOut.refuse(connection, connection.access!, request);
      connection.end(reason, [...(refused.get(connection) ?? []), ...unseen]);
    }
    const writesAwaited = this.#carryOut.dataWrites.count;
    await this.#parts.fenceData(this.#granting.lastEpoch);
    await this.#carryOut.dataWrites.idle();
    await this.#settleOnDisk();
    return { connectionsEnded: ending.length, writesAwaited };
  }

  /**
   * What the newcomer will find must not be lost to a power cut after it was built upon. Where that fails the newcomer is
   * let in all the same, and it is said aloud: every write that was acknowledged as durable had a sync of its own, so
   * none of them is lost, and what the newcomer builds upon the others it cannot make durable either: after a failed sync
   * its flushes and durable writes fail.
   */
  async #settleOnDisk(): Promise<void> {
    try {
      await this.#parts.data.flush();
    } catch (error) {
      const epoch = this.#granting.lastEpoch;
      const reason = systemReason(error);
      this.#parts.audit.write({ event: 'not-settled', epoch, reason });
      this.#parts.onTrouble(
        `storage: the data area could not be flushed before epoch ${epoch} was let in (${reason}): it is let in all the ` +
          'same, no acknowledged durable write is lost; see to the disk of the data file',
      );
    }
  }
}

/** For the audit: who the client is by TLS. Nothing of a client in plain. */
function shown({ identity }: Connection): { identity?: string | null } {
  return identity === undefined ? {} : { identity: identity?.text ?? null };
}
