import type { AuditEntry, AuditLine } from '../../../src/ports/audit.ts';
import type { History } from '../../history/events.ts';

/**
 * The same history with a target as its storage: what a grant stands for is the reservation taken from whoever had it
 * before, and what a drain stands for is a reset that was done.
 */
export function overIscsi(history: History): History {
  const audit: AuditLine[] = [];
  let held: string | undefined;
  for (const line of history.audit) {
    if (line.event === 'grant') {
      const admission = history.audit.find((each) => each.event === 'admitted' && each.epoch === line.epoch);
      const { connection, peer, export: name } = admission as Extract<AuditLine, { event: 'admitted' }>;
      const key = keyOf(history, line.node, line.epoch);
      const tell = (beforeMs: number, action: string, own: string, other: string): void => {
        const who = { connection, peer, export: name };
        const entry: AuditEntry = {
          event: 'reservation',
          ...who,
          action,
          key: own,
          serviceActionKey: other,
          outcome: 'ok',
        };
        audit.push({ v: 1, n: 0, t: line.t - beforeMs * 1e6, ...entry });
      };
      tell(0.02, 'register', NO_KEY, key);
      tell(0.01, held === undefined ? 'reserve' : 'preempt', key, held ?? NO_KEY);
      audit.push(line);
      tell(-0.1, 'reset', key, NO_KEY);
      held = key;
    } else audit.push(line);
  }
  return {
    ...history,
    scenario: { ...history.scenario, storage: 'tgt' },
    lab: history.lab.map((event) => (event.event === 'lab-started' ? { ...event, storage: 'tgt' } : event)),
    audit: renumbered(audit),
  };
}

/** As if no line had ever been there that is not there now. */
export function renumbered(audit: readonly AuditLine[]): AuditLine[] {
  return [...audit].sort((a, b) => a.t - b.t).map((line, index) => ({ ...line, n: index + 1 }));
}

const NO_KEY = `0x${'0'.repeat(16)}`;

function keyOf({ journals }: History, server: string, epoch: number): string {
  const started = journals.get(server)!.find((line) => line.event === 'agent-started')!;
  const slot = started.index;
  return `0x${((BigInt(slot) << 48n) | BigInt(epoch)).toString(16).padStart(16, '0')}`;
}
