import { Interrupted } from '../errors.ts';

/** Runs `work` with a signal that an interrupt (or a request to end) aborts. A second interrupt does not cut the cleaning up short. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = () => {
    if (!controller.signal.aborted) console.error('lab: interrupted; ending what was started');
    controller.abort(new Interrupted('interrupted'));
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  try {
    return await work(controller.signal);
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
}
