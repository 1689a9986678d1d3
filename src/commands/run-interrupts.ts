/** The wish of whoever runs this program that it end. The second time it is an order. */
export interface Interrupts extends Disposable {
  readonly first: Promise<NodeJS.Signals>;
  readonly second: Promise<NodeJS.Signals>;
}

/** A closed terminal (SIGHUP) asks like the others: what an agent runs must not be left without it. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Signal numbers, for the shell's exit code 128 + n. */
const NUMBERS: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

export function watchInterrupts(): Interrupts {
  const first = Promise.withResolvers<NodeJS.Signals>();
  const second = Promise.withResolvers<NodeJS.Signals>();
  let count = 0;
  const heard = (signal: NodeJS.Signals) => (++count === 1 ? first : second).resolve(signal);
  for (const signal of SIGNALS) process.on(signal, heard);
  return {
    first: first.promise,
    second: second.promise,
    [Symbol.dispose]() {
      for (const signal of SIGNALS) process.off(signal, heard);
    },
  };
}

export function exitCodeFor(signal: NodeJS.Signals): number {
  return 128 + (NUMBERS[signal] ?? 0);
}
