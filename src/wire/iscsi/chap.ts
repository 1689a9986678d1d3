import type { ChapMemory } from './chap-memory.ts';
import type { ChapAccount, InitiatorOptions } from './options.ts';
import { numberOf } from './parameters.ts';
import { type Pair, quoted } from './text.ts';

const md5Algorithm = '5';
/** As long as what it is answered with, which is all that the method can make of it. */
const ownChallengeBytes = 16;
/** Section 12.1.3: a challenge has up to 1024 bytes. */
const challengeBytes = 1024;

/** `distrust`: the target did not prove itself; `nonsense`: it does not speak CHAP. */
export type ChapStep =
  | { kind: 'send'; pairs: Pair[]; last: boolean }
  | { kind: 'done' }
  | { kind: 'distrust' | 'nonsense'; text: string };

/**
 * CHAP with MD5 (RFC 7143, section 12.1.3; RFC 1994), one way or, with an account of the target, both ways. Secrets are in
 * nothing that comes out of here.
 */
export class Chap {
  readonly #account: ChapAccount;
  readonly #target: ChapAccount | undefined;
  readonly #options: Pick<InitiatorOptions, 'randomBytes' | 'md5'>;
  readonly #memory: ChapMemory | undefined;
  /** What the target has to answer. */
  #asked: { identifier: number; challenge: Uint8Array } | undefined;
  #answered = false;

  constructor(
    chap: NonNullable<InitiatorOptions['chap']>,
    options: Pick<InitiatorOptions, 'randomBytes' | 'md5'>,
  ) {
    this.#account = chap;
    this.#target = chap.target;
    this.#memory = chap.memory;
    this.#options = options;
  }

  /** The algorithms there are to choose from: the one that everybody has. */
  get opening(): Pair[] {
    return [['CHAP_A', md5Algorithm]];
  }

  /** Takes the target's next text. */
  step(pairs: ReadonlyMap<string, string>): ChapStep {
    return this.#answered ? this.#verify(pairs) : this.#answer(pairs);
  }

  #answer(pairs: ReadonlyMap<string, string>): ChapStep {
    const algorithm = pairs.get('CHAP_A');
    if (algorithm === undefined) return nonsense('no CHAP_A in answer to CHAP_A=5');
    if (algorithm !== md5Algorithm) return nonsense(`CHAP_A=${quoted(algorithm)} in answer to CHAP_A=5`);
    const identifier = numberOf(pairs.get('CHAP_I') ?? '');
    if (identifier === undefined || identifier > 255)
      return nonsense(`CHAP_I=${quoted(pairs.get('CHAP_I') ?? '')}, it is a number of one byte`);
    const challenge = binaryOf(pairs.get('CHAP_C') ?? '');
    if (challenge === undefined || challenge.length === 0 || challenge.length > challengeBytes)
      return nonsense('a CHAP_C that is no binary value of 1 to 1024 bytes');
    // Whoever sends a challenge back wants to be told the answer to it.
    if (this.#memory?.has(challenge) === true)
      return { kind: 'distrust', text: 'the target sends a challenge of this initiator back to it' };
    const answer: Pair[] = [
      ['CHAP_N', this.#account.user],
      ['CHAP_R', hex(this.#response(identifier, this.#account.secret, challenge))],
    ];
    this.#answered = true;
    if (this.#target === undefined) return { kind: 'send', pairs: answer, last: true };
    return this.#ask(answer, challenge);
  }

  #ask(answer: Pair[], theirs: Uint8Array): ChapStep {
    const challenge = this.#options.randomBytes(ownChallengeBytes);
    if (equal(challenge, theirs))
      return { kind: 'distrust', text: 'the challenge of the target is the very one it is to be asked' };
    const identifier = this.#options.randomBytes(1)[0]!;
    this.#memory?.add(challenge);
    this.#asked = { identifier, challenge };
    const pairs: Pair[] = [...answer, ['CHAP_I', String(identifier)], ['CHAP_C', hex(challenge)]];
    return { kind: 'send', pairs, last: true };
  }

  #verify(pairs: ReadonlyMap<string, string>): ChapStep {
    if (this.#target === undefined || this.#asked === undefined) return { kind: 'done' };
    const [name, response] = [pairs.get('CHAP_N'), binaryOf(pairs.get('CHAP_R') ?? '')];
    if (name === undefined || response === undefined)
      return { kind: 'distrust', text: 'the target does not answer the challenge that it prove itself' };
    if (name !== this.#target.user)
      return {
        kind: 'distrust',
        text: `the target calls itself ${quoted(name)}, not ${quoted(this.#target.user)}`,
      };
    const { identifier, challenge } = this.#asked;
    this.#asked = undefined;
    if (!equal(response, this.#response(identifier, this.#target.secret, challenge)))
      return {
        kind: 'distrust',
        text: "the target's answer to the challenge is wrong: check the target's secret",
      };
    return { kind: 'done' };
  }

  #response(identifier: number, secret: string, challenge: Uint8Array): Uint8Array {
    return this.#options.md5(
      Buffer.concat([Uint8Array.of(identifier), Buffer.from(secret, 'utf8'), challenge]),
    );
  }
}

function nonsense(text: string): ChapStep {
  return { kind: 'nonsense', text };
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`;
}

/** A binary value, in hexadecimal or in base64 (section 6.1); undefined for anything else. */
function binaryOf(text: string): Uint8Array | undefined {
  if (/^0[xX](?:[0-9a-fA-F]{2})+$/.test(text)) return Buffer.from(text.slice(2), 'hex');
  if (/^0[bB][A-Za-z0-9+/]+={0,2}$/.test(text)) return Buffer.from(text.slice(2), 'base64');
  return undefined;
}

/** In the same time wherever they differ. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.reduce((differences, byte, at) => differences | (byte ^ b[at]!), 0) === 0;
}
