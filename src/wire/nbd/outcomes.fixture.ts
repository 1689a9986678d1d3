import type { NbdClient } from './client.ts';
import type { Outcome } from './outcome.ts';

/** Everything that comes of `bytes` when they come in pieces of these lengths, the last of which repeats. */
export function feed(
  client: NbdClient,
  bytes: Uint8Array,
  lengths: readonly number[] = [bytes.length],
): Outcome[] {
  const outcomes: Outcome[] = [];
  for (let at = 0, piece = 0; at < bytes.length; piece += 1) {
    const length = Math.max(1, lengths[Math.min(piece, lengths.length - 1)]!);
    outcomes.push(...client.receive(bytes.slice(at, at + length)));
    at += length;
  }
  return outcomes.map(plain);
}

/** With Uint8Arrays of one kind, so that deepEqual looks at the bytes only. */
export function plain(outcome: Outcome): Outcome {
  if (outcome.kind === 'send') return { ...outcome, bytes: Uint8Array.from(outcome.bytes) };
  return outcome.kind === 'done' ? { ...outcome, payload: Uint8Array.from(outcome.payload) } : outcome;
}
