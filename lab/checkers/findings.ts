import type { CheckResult, Verdict } from '../history/events.ts';

const MAX_SENTENCES = 6;

/**
 * What one checker found, and the verdict that follows: violated outranks unknown outranks valid, and a checker that
 * checked nothing is unknown.
 */
export class Findings {
  readonly #checker: string;
  readonly #claim: string;
  readonly #violations: { sentence: string; t: number | undefined }[] = [];
  readonly #doubts: string[] = [];
  readonly #facts: string[] = [];
  readonly #by = new Set<string>();
  #counters: Readonly<Record<string, number>> = {};

  constructor(checker: string, claim: string) {
    this.#checker = checker;
    this.#claim = claim;
  }

  /** The claim is broken. `t`: when, for jumping to it. `by`: the servers whose doing it is. */
  violated(sentence: string, t?: number, by: readonly string[] = []): void {
    this.#violations.push({ sentence, t });
    for (const server of by) this.#by.add(server);
  }

  /** Something keeps the claim from being judged. */
  unknown(sentence: string): void {
    this.#doubts.push(sentence);
  }

  /** Something was checked and holds. Without one of these there is no valid verdict. */
  holds(sentence: string): void {
    this.#facts.push(sentence);
  }

  /** Nothing was found to be broken so far. */
  get intact(): boolean {
    return this.#violations.length === 0;
  }

  count(counters: Readonly<Record<string, number>>): void {
    this.#counters = { ...this.#counters, ...counters };
  }

  /** `nothing`: why there was nothing to check, where there was not. */
  result(nothing: string): CheckResult {
    const violations = [...this.#violations].sort((a, b) => (a.t ?? Infinity) - (b.t ?? Infinity));
    const first = violations[0]?.t;
    const verdict = this.#verdict();
    const checkedNothing = verdict === 'unknown' && this.#doubts.length === 0;
    return {
      checker: this.#checker,
      claim: this.#claim,
      verdict,
      evidence: [
        ...limited(violations.map((v) => v.sentence)),
        ...limited(checkedNothing ? [`nothing was checked: ${nothing}`] : this.#doubts),
        ...limited(this.#facts),
      ],
      ...(first === undefined ? {} : { atT: first }),
      ...(this.#by.size === 0 ? {} : { by: [...this.#by].sort() }),
      counters: this.#counters,
    };
  }

  #verdict(): Verdict {
    if (this.#violations.length > 0) return 'violated';
    return this.#doubts.length > 0 || this.#facts.length === 0 ? 'unknown' : 'valid';
  }
}

function limited(sentences: readonly string[]): string[] {
  if (sentences.length <= MAX_SENTENCES) return [...sentences];
  return [...sentences.slice(0, MAX_SENTENCES), `and ${sentences.length - MAX_SENTENCES} more like these`];
}
