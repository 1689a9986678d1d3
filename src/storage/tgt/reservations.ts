import { PR_OUT, PR_TYPE, type ReserveOutParameters } from '../../wire/scsi/persistent-reserve.ts';

type Asked = Pick<ReserveOutParameters, 'serviceAction' | 'type' | 'key' | 'serviceActionKey'>;

/** Who holds the data unit. With a "registrants only" type everybody with the key's registration does. */
export interface Holder {
  connection: number;
  key: bigint;
  type: number;
}

const SHARED_TYPES: ReadonlySet<number> = new Set([
  PR_TYPE.WRITE_EXCLUSIVE_REGISTRANTS_ONLY,
  PR_TYPE.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY,
  PR_TYPE.WRITE_EXCLUSIVE_ALL_REGISTRANTS,
  PR_TYPE.EXCLUSIVE_ACCESS_ALL_REGISTRANTS,
]);

/**
 * The registrations and the reservation of the data unit, as the answers GOOD of one tgtd have made them (SPC-4, 5.13).
 * Each belongs to one session, told by the number of its connection; one that has ended stays registered.
 */
export class Reservations {
  readonly #keys = new Map<number, bigint>();
  #holder: Holder | null = null;

  get holder(): Holder | null {
    return this.#holder;
  }

  keyOf(connection: number): bigint | undefined {
    return this.#keys.get(connection);
  }

  /** Whether commands of this connection pass the reservation as its holder's. */
  isHeldBy(connection: number): boolean {
    if (this.#holder?.connection === connection) return true;
    return this.#holder !== null && SHARED_TYPES.has(this.#holder.type) && this.#keys.has(connection);
  }

  /** A PERSISTENT RESERVE OUT was answered GOOD. */
  answeredGood(connection: number, asked: Asked): void {
    const { serviceAction, type, serviceActionKey } = asked;
    switch (serviceAction) {
      case PR_OUT.REGISTER:
      case PR_OUT.REGISTER_AND_IGNORE_EXISTING_KEY:
        return this.#register(connection, serviceActionKey);
      case PR_OUT.RESERVE:
        return this.#hold(connection, type);
      case PR_OUT.RELEASE:
        if (this.#holder?.connection === connection) this.#holder = null;
        return;
      case PR_OUT.CLEAR:
        this.#keys.clear();
        this.#holder = null;
        return;
      case PR_OUT.PREEMPT:
      case PR_OUT.PREEMPT_AND_ABORT:
        return this.#preempt(connection, asked);
      default:
    }
  }

  #register(connection: number, key: bigint): void {
    const held = this.#holder?.connection === connection;
    if (key === 0n) {
      this.#keys.delete(connection);
      if (held) this.#holder = null;
      return;
    }
    this.#keys.set(connection, key);
    if (held) this.#holder = { ...this.#holder!, key };
  }

  #hold(connection: number, type: number): void {
    this.#holder = { connection, key: this.#keys.get(connection) ?? 0n, type };
  }

  #preempt(connection: number, { type, serviceActionKey: victim }: Asked): void {
    for (const [other, key] of this.#keys)
      if (other !== connection && key === victim) this.#keys.delete(other);
    if (this.#holder?.key === victim) this.#hold(connection, type);
  }
}
