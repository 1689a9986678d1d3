import type { WorldLine } from '../engines/engine.ts';

/** Offset of the ownership record in the quorum area: the lab's sectors have 512 bytes. */
const RECORD_OFFSET = 512;

/** How many times a standby saw the count of this epoch's owner change. */
export function changesSeen(lines: readonly WorldLine[], standby: string, epoch: number): number {
  return lines.filter(
    (line) =>
      line.from === 'server' &&
      line.server === standby &&
      line.line.event === 'observed-change' &&
      line.line.status === 1 &&
      line.line.epoch === epoch,
  ).length;
}

/**
 * Whether the owner has seen the slot of the server at this address move: two heartbeats of it began after writes of that
 * slot, one after the first and one after the second.
 */
export function slotSeen(lines: readonly WorldLine[], { of, by }: { of: string; by: string }): boolean {
  let written = -Infinity;
  let read = -Infinity;
  let seen = 0;
  for (const line of lines) {
    if (line.from === 'storage' && line.line.event === 'quorum-write') {
      const { peer, offset, t } = line.line;
      if (peer === of && offset > RECORD_OFFSET && written <= read) written = t;
    }
    if (line.from === 'server' && line.server === by && line.line.event === 'lease') {
      if (written > read && line.line.startedAt > written) {
        read = line.line.startedAt;
        seen += 1;
      }
    }
  }
  return seen >= 2;
}
