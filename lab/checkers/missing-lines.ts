/** A place where the numbers of lines do not go on. */
export interface Gap {
  /** The number before; 0 at the beginning. */
  after: number;
  /** The one that follows there. */
  next: number;
}

/** Lines that one writer numbered from 1 on, without a gap. */
export function gapsIn(numbers: readonly number[]): Gap[] {
  return numbers
    .map((next, i) => ({ after: numbers[i - 1] ?? 0, next }))
    .filter(({ after, next }) => next !== after + 1);
}

/** As a sentence: which lines are not there, or that they are out of order. */
export function gapSentence({ after, next }: Gap): string {
  if (next <= after) return `line ${next} follows line ${after}`;
  const last = next - 1;
  return last === after + 1 ? `line ${last} is missing` : `lines ${after + 1} to ${last} are missing`;
}
