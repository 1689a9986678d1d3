import { isKey, type Key, numberOf, type Rule, rules, type Value, written } from './parameters.ts';
import { type Pair, quoted } from './text.ts';

/** What an answer may be instead of a value (RFC 7143, section 6.2). */
const noValue = new Set(['NotUnderstood', 'Irrelevant']);
/** Section 13.25: gone, and yet not to be answered with NotUnderstood. */
const obsolete = new Set(['IFMarker', 'OFMarker', 'IFMarkInt', 'OFMarkInt']);

type NumberKey = Extract<Key, `Max${string}` | `Default${string}` | 'FirstBurstLength'>;

/** The negotiation of the operational parameters: what is offered, and what becomes of it. */
export class OperationalNegotiation {
  readonly #offers: ReadonlyMap<Key, Value>;
  readonly #agreed = new Map<Key, Value>();

  constructor(offers: ReadonlyMap<Key, Value>) {
    this.#offers = offers;
  }

  get offers(): Pair[] {
    return [...this.#offers].map(([key, value]) => [key, written(value)]);
  }

  /** A key from the target: what to answer, if anything, or what is wrong with it. */
  take(key: string, text: string): { answer?: Pair } | string {
    if (!isKey(key)) return { answer: [key, obsolete.has(key) ? 'Reject' : 'NotUnderstood'] };
    const offered = this.#offers.get(key);
    const rule: Rule = rules[key];
    if (offered === undefined) return { answer: [key, 'Irrelevant'] };
    const asked = `in answer to ${key}=${written(offered)}`;
    // Which of its digests a target lacks is told when all of them are known.
    if (offered === 'CRC32C' && (text === 'None' || text === 'Reject')) return {};
    if (text === 'Reject') return `${key}=Reject ${asked}`;
    if (noValue.has(text)) return {};
    const value = valueOf(rule, text);
    if (value === undefined) return `${key}=${quoted(text)}, which is no value it can have`;
    if (!isAnswer(rule, offered, value)) return `${key}=${quoted(text)} ${asked}`;
    this.#agreed.set(key, value);
    return {};
  }

  /** What holds: as agreed; of what was not answered, the default, where both sides have to go by it. */
  number(key: NumberKey): number {
    const rule: Rule & { default: number } = rules[key];
    const offered = this.#offers.get(key) as number | undefined;
    const unanswered =
      rule.type === 'minimum' ? Math.min(rule.default, offered ?? rule.default) : rule.default;
    return (this.#agreed.get(key) as number | undefined) ?? unanswered;
  }

  flag(key: 'InitialR2T' | 'ImmediateData'): boolean {
    return (this.#agreed.get(key) as boolean | undefined) ?? rules[key].default;
  }

  digest(key: 'HeaderDigest' | 'DataDigest'): boolean {
    return this.#agreed.get(key) === 'CRC32C';
  }

  /** A digest that was to be on and is not, the target having passed over it. */
  get missingDigest(): string | undefined {
    return (['HeaderDigest', 'DataDigest'] as const).find(
      (key) => this.#offers.get(key) === 'CRC32C' && !this.digest(key),
    );
  }
}

function valueOf(rule: Rule, text: string): Value | undefined {
  if ('least' in rule) {
    const value = numberOf(text);
    return value === undefined || value < rule.least || value > rule.most ? undefined : value;
  }
  return rule.type === 'list' ? text : { Yes: true, No: false }[text];
}

/** Whether the target may say this to that: it chooses from what was offered. */
function isAnswer({ type }: Rule, offered: Value, value: Value): boolean {
  switch (type) {
    case 'minimum':
      return value <= offered;
    case 'maximum':
      return value >= offered;
    case 'and':
      return offered === true || value === false;
    case 'or':
      return offered === false || value === true;
    case 'list':
      return (offered as string).split(',').includes(value as string);
    default:
      return true;
  }
}
