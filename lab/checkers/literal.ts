import type { History } from '../history/events.ts';

/** The run was of the published method: it makes no promise about time, and has neither leases nor a second read. */
export function isLiteral({ lab }: Pick<History, 'lab'>): boolean {
  return lab.some((event) => event.event === 'lab-started' && event.agent.protocol === 'literal');
}
