import { NBD_ERROR, nbdErrorName, nbdErrorValue, type NbdErrorName } from '../wire/nbd/constants.ts';
import type { ServerRequest } from '../wire/nbd/server/outcome.ts';
import { readReply, simpleReply } from '../wire/nbd/server/simple-reply.ts';
import { type Audit, nowNs } from './audit.ts';
import type { Access, Connection } from './connection.ts';
import { type Disk, OutcomeLost } from './disk.ts';
import type { RecordWatch } from './record-watch.ts';
import type { Interception, Rules } from './rules.ts';
import { UnderWay } from './under-way.ts';

export interface CarryOutParts {
  quorum: Disk;
  data: Disk;
  rules: Rules;
  audit: Audit;
  watch: RecordWatch;
  /** For the audit of refused writes. */
  lastGranted(): number;
}

/** One request of one connection, on its way. */
interface Order {
  connection: Connection;
  access: Access;
  request: ServerRequest;
}

/** Carries out requests: past the rules, to the file, into the audit, and back to the client. */
export class CarryOut {
  readonly #parts: CarryOutParts;
  /** Writes to the data area that were handed to the file system. */
  readonly dataWrites = new UnderWay();
  /** Requests of any kind that were handed to the file system. */
  readonly requests = new UnderWay();
  /** Requests for the data area that a rule holds: parsed, not carried out. */
  readonly #heldData = new Set<Order>();

  constructor(parts: CarryOutParts) {
    this.#parts = parts;
  }

  begin(connection: Connection, access: Access, request: ServerRequest): void {
    const order = { connection, access, request };
    const interception = this.#intercept(order);
    if (interception === null) void this.#carryOut(order);
    else if (interception.kind === 'fail') this.#fail(order, interception);
    else if (interception.kind === 'drop') connection.drop(request);
    else void this.#hold(order, interception);
  }

  /**
   * The data area was taken away from everybody: what is held for it will not be carried out, whether its connection
   * is still there or not. Returns the refused requests.
   */
  refuseHeld(): ReadonlyMap<Connection, readonly ServerRequest[]> {
    const refused = new Map<Connection, ServerRequest[]>();
    for (const order of this.#heldData) {
      this.refuse(order.connection, order.access, order.request);
      const others = refused.get(order.connection);
      if (others === undefined) refused.set(order.connection, [order.request]);
      else others.push(order.request);
    }
    this.#heldData.clear();
    return refused;
  }

  /** Puts on record that a request for the data area was not carried out. */
  refuse(connection: Connection, access: Access, request: ServerRequest): void {
    if (access.kind !== 'data' || request.op !== 'write') return;
    const { node, epoch } = access.grant;
    const { offset, length } = request;
    const who = { connection: connection.id, peer: connection.peer, export: access.export, node, epoch };
    const lastGranted = this.#parts.lastGranted();
    this.#parts.audit.write({ event: 'write-refused', ...who, offset, length, lastGranted });
  }

  #intercept({ connection, access, request }: Order): Interception | null {
    const { rules } = this.#parts;
    if (!rules.armed) return null;
    const { op, offset, length } = request;
    const { id, peer } = connection;
    return rules.intercept({ connection: id, peer, export: access.export, op, offset, length });
  }

  #fail(order: Order, { error, settled }: Interception & { kind: 'fail' }): void {
    this.#record(order, nowNs(), error);
    this.#answer(order, error);
    settled(error);
  }

  async #hold(order: Order, { until, settled }: Interception & { kind: 'wait' }): Promise<void> {
    const { connection, access, request } = order;
    if (access.kind === 'data') this.#heldData.add(order);
    const what = await until;
    // Refused meanwhile: its grant ended. For the quorum area there is no such end, not even that of the connection.
    const refused = access.kind === 'data' && !this.#heldData.delete(order);
    if (what === 'go' && !refused) return settled(await this.#carryOut(order));
    settled('not carried out');
    if (!refused) connection.drop(request);
  }

  /** Resolves with the outcome: `ok`, an error's name, or `unknown`. */
  async #carryOut(order: Order): Promise<string> {
    this.requests.began();
    const outcome = await this.#perform(order);
    this.requests.ended();
    return outcome;
  }

  #perform(order: Order): Promise<string> {
    const { op } = order.request;
    if (op === 'read') return this.#read(order);
    return op === 'write' ? this.#write(order) : this.#flush(order);
  }

  async #read(order: Order): Promise<string> {
    const { request } = order;
    const { reply, data } = readReply(request.cookie, request.length);
    const outcome = await outcomeOf(this.#disk(order).read(request.offset, data));
    if (outcome === 'ok') order.connection.answer(request, reply);
    else this.#answer(order, outcome);
    return outcome;
  }

  async #write(order: Order): Promise<string> {
    const { offset, length, payload, fua } = order.request;
    const { watch } = this.#parts;
    const isData = order.access.kind === 'data';
    const watched = !isData && watch.touches(offset, length);
    if (isData) this.dataWrites.began();
    if (watched) watch.writeBegan();
    const beganAt = nowNs();
    const outcome = await outcomeOf(this.#disk(order).write(offset, payload, fua));
    // The record of a write stands before everything that its end makes possible.
    this.#record(order, beganAt, outcome);
    if (watched) watch.writeEnded();
    if (isData) this.dataWrites.ended();
    this.#answer(order, outcome);
    return outcome;
  }

  async #flush(order: Order): Promise<string> {
    const outcome = await outcomeOf(this.#disk(order).flush());
    this.#answer(order, outcome);
    return outcome;
  }

  #disk({ access }: Order): Disk {
    return access.kind === 'data' ? this.#parts.data : this.#parts.quorum;
  }

  #answer({ connection, request }: Order, outcome: string): void {
    if (outcome === 'unknown') {
      // Any answer would be made up. Without one the connection must end, for the client counts on an answer.
      connection.drop(request);
      return connection.end('what it asked for has an unknown outcome');
    }
    const error = outcome === 'ok' ? 0 : NBD_ERROR[outcome as NbdErrorName];
    connection.answer(request, simpleReply(request.cookie, error));
  }

  #record({ connection, access, request }: Order, beganAt: number, outcome: string): void {
    if (request.op !== 'write') return;
    const { audit, watch } = this.#parts;
    const { id, peer } = connection;
    const { offset, length, payload, fua } = request;
    if (access.kind === 'data') {
      const name = access.export;
      const what = { offset, length, beganAt, outcome, fua };
      audit.writeSoon({ event: 'write', connection: id, peer, export: name, ...access.grant, ...what });
      return;
    }
    const found = watch.recordIn(offset, payload);
    const { status = 0, node = '', epoch = 0, count = 0 } = found ?? {};
    const record = found === null ? null : { status, node, epoch, count };
    audit.write({ event: 'quorum-write', connection: id, peer, offset, length, beganAt, outcome, record });
  }
}

/** `ok`, the protocol's name for what the file system said, or `unknown` where nothing was said. */
async function outcomeOf(act: Promise<void>): Promise<'ok' | 'unknown' | NbdErrorName> {
  try {
    await act;
    return 'ok';
  } catch (error) {
    if (error instanceof OutcomeLost) return 'unknown';
    return nbdErrorName(nbdErrorValue((error as NodeJS.ErrnoException).code ?? 'EIO'));
  }
}
