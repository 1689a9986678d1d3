import type { PeerSight } from './state.ts';
import type { AreaReading, Timings } from './types.ts';

/** Takes in what one read, whose answer was seen at `at`, shows of every server's slot. */
export function peersSeen(
  former: readonly PeerSight[],
  slots: AreaReading['slots'],
  at: number,
): readonly PeerSight[] {
  return slots.map((slot, i) => {
    const before = former[i];
    const node = slot.kind === 'valid' ? slot.value.node : (before?.node ?? '');
    const moved = before !== undefined && slot.kind === 'valid' && slot.bytes !== before.bytes;
    return { node, bytes: slot.bytes, movedAt: moved ? at : before?.movedAt };
  });
}

/**
 * How long the slot of `peer` was not seen to move, when that is so long that nobody may live there: a slot is written
 * every T, and one write that fails is tried again with the next. Undefined while it shows life; Infinity for never.
 */
export function silenceMs({ movedAt }: PeerSight, at: number, t: Timings): number | undefined {
  const silentMs = movedAt === undefined ? Infinity : at - movedAt;
  return silentMs > LIFE_INTERVALS * t.intervalMs ? silentMs : undefined;
}

const LIFE_INTERVALS = 3;
