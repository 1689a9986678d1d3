import type { ClientEvent } from '../history/events.ts';

/** One append as the client saw it, from its beginning to its end. */
export interface Operation {
  id: string;
  beginT: number;
  /** Infinity for one that never ended: its outcome is unknown. */
  endT: number;
  outcome: 'ok' | 'refused' | 'unknown';
  server: string | null;
  /** What it was acknowledged with; only when `ok`. */
  seq: number | undefined;
}

/** The appends of a client, in the order in which they began. */
export function operationsOf(client: readonly ClientEvent[]): Operation[] {
  const operations = new Map<string, Operation>();
  for (const event of client) {
    if (event.event === 'begin') {
      const never = { endT: Infinity, outcome: 'unknown', server: null, seq: undefined } as const;
      operations.set(event.id, { id: event.id, beginT: event.t, ...never });
    }
    if (event.event !== 'end') continue;
    const beginT = operations.get(event.id)?.beginT ?? -Infinity;
    const { id, t: endT, outcome, server } = event;
    operations.set(id, {
      id,
      beginT,
      endT,
      outcome,
      server,
      seq: outcome === 'ok' ? (event.seq ?? undefined) : undefined,
    });
  }
  return [...operations.values()];
}
