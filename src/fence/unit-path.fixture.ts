import type { UnitInfo } from '../block/iscsi/unit-info.ts';
import { OutcomeUnknown, RequestFailed } from '../ports/block-device.ts';
import { type Nexus, nexusPort, type SpcUnit } from './model/spc-unit.fixture.ts';
import type { UnitPath } from './unit-path.ts';

export const INFO: UnitInfo = {
  blocks: 2048,
  blockBytes: 512,
  writeProtected: false,
  durability: 'fua',
  maximumTransferBlocks: 2048,
  product: 'a unit in memory',
};

/** A path to a unit in memory, which carries out everything at once and fails when a test says so. */
export class MemoryPath implements UnitPath {
  readonly name: string;
  readonly nexus: Nexus;
  /** What came this way. */
  readonly log: string[] = [];
  /** What the next requests for data fail with, one each. */
  failures: Error[] = [];
  /** What `identity` says. */
  identifies = 'one';
  usable = true;
  readonly #unit: SpcUnit;
  readonly #closed: ((reason: string) => void)[] = [];

  constructor(unit: SpcUnit, name: string, owner: Nexus['owner']) {
    this.#unit = unit;
    this.name = name;
    this.nexus = unit.open(owner);
    Object.assign(
      this,
      nexusPort(async (command) => unit.carryOut(this.nexus, command).value),
    );
  }

  declare readonly registerKey: UnitPath['registerKey'];
  declare readonly readKeys: UnitPath['readKeys'];
  declare readonly readReservation: UnitPath['readReservation'];
  declare readonly reserve: UnitPath['reserve'];
  declare readonly preempt: UnitPath['preempt'];
  declare readonly supportsPreemptAndAbort: UnitPath['supportsPreemptAndAbort'];
  declare readonly resetLogicalUnit: UnitPath['resetLogicalUnit'];

  onClosed(listener: (reason: string) => void): void {
    this.#closed.push(listener);
  }

  async identity(): Promise<string> {
    return this.identifies;
  }

  async describe(): Promise<UnitInfo> {
    this.nexus.attentions = [];
    return INFO;
  }

  async read(
    _info: UnitInfo,
    _offset: number,
    _lengthBytes: number,
    _deadlineMs: number,
    into: Uint8Array,
  ): Promise<Uint8Array> {
    this.#data('read');
    return into.fill(this.name.charCodeAt(0));
  }

  async write(): Promise<void> {
    this.#data('write');
  }

  async writeDurably(): Promise<void> {
    this.#data('write durably');
  }

  async flush(): Promise<void> {
    this.#data('flush');
  }

  /** Its session breaks. */
  break(): void {
    this.usable = false;
    for (const listener of this.#closed) listener('broken by a test');
  }

  async close(): Promise<void> {
    this.usable = false;
    this.log.push('closed');
  }

  #data(what: string): void {
    this.log.push(what);
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    this.#unit.queue = [];
    this.#unit.write(this.nexus, () => {});
  }
}

export const unknown = (): Error => new OutcomeUnknown('memory: no answer');
export const answered = (code: string): Error => new RequestFailed(`memory: ${code}`, code);
export const unsent = (): Error => new RequestFailed('memory: not sent', 'ENOTCONN', { effect: 'none' });
