import type { RawPdu } from '../../wire/iscsi/pdu.ts';
import { type Digests, noDigests } from '../../wire/iscsi/pdu.ts';

/** What a login was about, as far as it has come. */
export interface LoginSeen {
  initiatorName: string;
  initiatorAlias: string;
  isDiscovery: boolean;
  /** As of the last answer. Digests hold from the PDU after the one that completed the login. */
  state: 'under-way' | 'complete' | 'refused';
  digests: Digests;
  /** Of a refusal: `0201`, class and detail (RFC 7143, 11.13.5). */
  status: string;
}

/** Bytes of text of one side, continued from PDU to PDU; a login has a few hundred. */
const MOST_TEXT_BYTES = 64 * 1024;
/**
 * What the tap draws conclusions from; each has one value in a login. tgtd goes by the first one of the first request,
 * and somebody who says two things would be somebody else there than here. Some initiators say the same thing twice.
 */
const OF_ONE_VALUE: ReadonlySet<string> = new Set([
  'InitiatorName',
  'InitiatorAlias',
  'SessionType',
  'TargetName',
]);
const DIGEST_CHOICES: ReadonlySet<string> = new Set(['None', 'CRC32C']);
const TSIH_AT = 14;
const TRANSIT = 0x80;
const CONTINUE = 0x40;
const FULL_FEATURE_PHASE = 3;

/** Follows the login of one connection from both sides (RFC 7143, section 6.3), changing nothing. */
export class LoginWatch {
  readonly #seen: LoginSeen = {
    initiatorName: '',
    initiatorAlias: '',
    isDiscovery: false,
    state: 'under-way',
    digests: noDigests,
    status: '',
  };
  readonly #texts = { initiator: '', target: '' };
  /** Keys that one side has named a value of, and the other not yet. */
  readonly #offers = new Map<string, { by: 'initiator' | 'target'; value: string }>();
  readonly #told = new Map<string, string>();
  /** Digests that both sides have named. */
  readonly #agreed = new Map<string, string>();
  #fault: string | undefined;

  get seen(): LoginSeen {
    return this.#seen;
  }

  /** A Login Request: what is wrong with it; undefined when it may go on. */
  request(pdu: RawPdu): string | undefined {
    const tsih = (pdu.header[TSIH_AT]! << 8) | pdu.header[TSIH_AT + 1]!;
    // A reservation is a session's, and so would be what another connection of it writes, whoever that calls itself.
    if (tsih !== 0) return `a login that is to join session ${tsih}; a session has one connection here`;
    if (!this.#take('initiator', pdu)) return 'a login without end';
    return this.#fault;
  }

  /** A Login Response. False when its text goes on for ever. */
  response(pdu: RawPdu): boolean {
    const { header } = pdu;
    const fits = this.#take('target', pdu);
    const [statusClass, statusDetail] = [header[36]!, header[37]!];
    if (statusClass !== 0) {
      this.#seen.state = 'refused';
      this.#seen.status = [statusClass, statusDetail]
        .map((byte) => byte.toString(16).padStart(2, '0'))
        .join('');
    } else if ((header[1]! & TRANSIT) !== 0 && (header[1]! & 3) === FULL_FEATURE_PHASE) {
      this.#seen.state = 'complete';
    }
    return fits;
  }

  #take(side: 'initiator' | 'target', { header, data }: RawPdu): boolean {
    const text = this.#texts[side] + Buffer.from(data).toString('latin1');
    if (text.length > MOST_TEXT_BYTES) return false;
    const goesOn = (header[1]! & CONTINUE) !== 0;
    this.#texts[side] = goesOn ? text : '';
    if (goesOn) return true;
    for (const pair of text.split('\0')) {
      const at = pair.indexOf('=');
      if (at > 0) this.#key(side, pair.slice(0, at), pair.slice(at + 1));
    }
    return true;
  }

  #key(side: 'initiator' | 'target', key: string, value: string): void {
    if (side === 'initiator') {
      if ((this.#told.get(key) ?? value) !== value) this.#fault ??= `two values of ${key}`;
      if (OF_ONE_VALUE.has(key)) this.#told.set(key, value);
      this.#declared(key, value);
    }
    if (key !== 'HeaderDigest' && key !== 'DataDigest') return;
    const agreed = this.#agreed.get(key);
    if (agreed !== undefined) {
      // libiscsi says it again, and tgtd would believe another value without a word.
      if (value !== agreed) this.#fault ??= `${key}=${value} after ${agreed} was agreed upon`;
      return;
    }
    const offer = this.#offers.get(key);
    if (side === 'initiator' && offer?.by === side && offer.value !== value)
      this.#fault ??= `two values of ${key}`;
    // The first to name it offers a list, the other one chooses (6.2).
    if (offer === undefined || offer.by === side) return void this.#offers.set(key, { by: side, value });
    this.#agreed.set(key, value);
    if (side === 'initiator' && !DIGEST_CHOICES.has(value)) this.#fault ??= `${key}=${value} as its choice`;
    const which = key === 'HeaderDigest' ? 'header' : 'data';
    this.#seen.digests = { ...this.#seen.digests, [which]: value === 'CRC32C' };
  }

  #declared(key: string, value: string): void {
    if (key === 'InitiatorName') this.#seen.initiatorName = value;
    else if (key === 'InitiatorAlias')
      this.#seen.initiatorAlias = Buffer.from(value, 'latin1').toString('utf8');
    else if (key === 'SessionType') this.#seen.isDiscovery = value === 'Discovery';
  }
}
