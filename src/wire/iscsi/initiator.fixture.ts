import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { PduFraming } from './framing.ts';
import { Initiator } from './initiator.ts';
import { decodeInitiatorPdu, type InitiatorPdu } from './initiator-pdu.ts';
import type { InitiatorOptions } from './options.ts';
import type { InitiatorOutcome } from './outcome.ts';
import { noDigests, RawPdu } from './pdu.ts';
import { TargetBytes } from './target-bytes.fixture.ts';

export const usualOptions: InitiatorOptions = {
  initiatorName: 'iqn.2026-11.example.arbiter:server-1',
  targetName: 'iqn.2026-11.example.arbiter:storage',
  isid: Uint8Array.of(0x80, 1, 2, 3, 4, 5),
  headerDigest: 'none',
  dataDigest: 'none',
  randomBytes: (length) => new Uint8Array(length).fill(0xa5),
  md5: (bytes) => createHash('md5').update(bytes).digest(),
};

/** An initiator that has sent its first request, and the target it speaks to. */
export function begun(options: Partial<InitiatorOptions> = {}): {
  initiator: Initiator;
  target: TargetBytes;
} {
  const initiator = new Initiator({ ...usualOptions, ...options });
  initiator.begin();
  return { initiator, target: new TargetBytes() };
}

/** One that is let in, by a target that answers the offer of parameters with `keys`. */
export function ready(options: Partial<InitiatorOptions> = {}, ...keys: string[]) {
  const { initiator, target } = begun(options);
  const outcomes = feed(initiator, target.welcome(...keys));
  assert.equal(initiator.status, 'ready', JSON.stringify(outcomes.at(-1)));
  return { initiator, target };
}

/** What becomes of a login to a target that answers the offer of parameters with `keys`. */
export function negotiated(options: Partial<InitiatorOptions>, ...keys: string[]): InitiatorOutcome {
  const { initiator, target } = begun(options);
  return feed(initiator, target.welcome(...keys)).at(-1)!;
}

/**
 * Everything that comes of `bytes` when they come in pieces of these lengths, the last of which repeats. The memory of each
 * is used for something else as soon as it was taken.
 */
export function feed(
  initiator: Initiator,
  bytes: Uint8Array,
  lengths: readonly number[] = [bytes.length],
): InitiatorOutcome[] {
  const outcomes: InitiatorOutcome[] = [];
  for (let at = 0, piece = 0; at < bytes.length; piece += 1) {
    const length = Math.max(1, lengths[Math.min(piece, lengths.length - 1)]!);
    const chunk = Uint8Array.from(bytes.subarray(at, at + length));
    outcomes.push(...initiator.receive(chunk));
    chunk.fill(0xa5);
    at += length;
  }
  return outcomes.map(plain);
}

/** With Uint8Arrays of one kind, and what is to be sent in one piece, so that deepEqual looks at the bytes only. */
export function plain(outcome: InitiatorOutcome): InitiatorOutcome {
  if (outcome.kind === 'send')
    return { ...outcome, pieces: [Uint8Array.from(Buffer.concat(outcome.pieces))] };
  if (outcome.kind !== 'answered') return outcome;
  return { ...outcome, sense: Uint8Array.from(outcome.sense), data: Uint8Array.from(outcome.data) };
}

/** What was sent, PDU by PDU, as the other side decodes it. */
export function sentPdus(pieces: readonly Uint8Array[], digests = noDigests): InitiatorPdu[] {
  const framing = new PduFraming(1 << 24);
  framing.agree(digests, 1 << 24);
  framing.push(Buffer.concat(pieces));
  const pdus: InitiatorPdu[] = [];
  for (let raw = framing.take(); raw !== undefined; raw = framing.take()) {
    assert.ok(raw instanceof RawPdu);
    const pdu = decodeInitiatorPdu(raw)!;
    pdus.push('data' in pdu ? { ...pdu, data: Uint8Array.from(pdu.data) } : pdu);
  }
  assert.equal(framing.heldBytes, 0);
  return pdus;
}

/** All that the outcomes send, PDU by PDU. */
export function sends(outcomes: readonly InitiatorOutcome[]): InitiatorPdu[] {
  return outcomes.flatMap((each) => (each.kind === 'send' ? sentPdus(each.pieces) : []));
}

/** key=value of the data of a login or text request. */
export function keysOf(pdu: InitiatorPdu | undefined): string[] {
  assert.ok(pdu !== undefined && 'data' in pdu);
  return Buffer.from(pdu.data).toString('utf8').split('\0').slice(0, -1);
}
