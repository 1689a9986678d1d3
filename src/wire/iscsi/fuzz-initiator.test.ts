import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { fuzzRuns, fuzzTimeoutMs, pieceLengths, pieces } from '../nbd/fuzz.fixture.ts';
import { ISCSI_LIMIT } from './constants.ts';
import {
  anyConversation,
  ask,
  asked,
  reads,
  rightConversation,
  segmentBytes,
  writes,
} from './fuzz-target-side.fixture.ts';
import { plain, sentPdus, usualOptions } from './initiator.fixture.ts';
import { Initiator } from './initiator.ts';
import type { InitiatorOutcome } from './outcome.ts';
import { type Digests, noDigests } from './pdu.ts';
import { TargetBytes } from './target-bytes.fixture.ts';

/** What was asked for, text, a PDU of the longest kind, and nothing else that depends on the target. */
const readBytes = [...reads.values()].reduce((sum, bytes) => sum + bytes, 0);
const heldLimit =
  readBytes +
  ISCSI_LIMIT.textBytes +
  Math.max(segmentBytes, ISCSI_LIMIT.loginSegmentBytes) +
  48 +
  4 * 255 +
  16;

interface Played {
  outcomes: InitiatorOutcome[];
  sent: Uint8Array;
  status: string;
  unanswered: number;
  /** How many bytes it took to be let in. */
  readyAt: number | undefined;
  digests: Digests;
}

/** An initiator that asks everything as soon as it is let in, and hears `bytes` in these pieces. */
function play(bytes: Uint8Array, chap: boolean, lengths: readonly number[], readyAt?: number): Played {
  const initiator = new Initiator({
    ...usualOptions,
    headerDigest: 'prefer',
    dataDigest: 'prefer',
    ...(chap && { chap: { user: 'u', secret: 's' } }),
    wishes: { maxReceiveSegmentBytes: segmentBytes, firstBurstBytes: 4096 },
  });
  initiator.begin();
  const played: Played = {
    outcomes: [],
    sent: Buffer.alloc(0),
    status: '',
    unanswered: 0,
    readyAt: undefined,
    digests: noDigests,
  };
  const sent: Uint8Array[] = [];
  let heard = 0;
  for (const piece of pieces(bytes, lengths, readyAt)) {
    heard += piece.length;
    const chunk = Uint8Array.from(piece);
    const outcomes = initiator.receive(chunk);
    chunk.fill(0xa5);
    for (const outcome of outcomes) {
      played.outcomes.push(plain(outcome));
      if (outcome.kind === 'send' && played.readyAt !== undefined) sent.push(...outcome.pieces);
      if (outcome.kind !== 'ready') continue;
      played.readyAt = heard;
      played.digests = outcome.session.digests;
      if (initiator.status === 'ready') sent.push(...ask(initiator));
    }
    const alive = initiator.status === 'login' || initiator.status === 'ready';
    if (alive) assert.ok(initiator.heldBytes <= heldLimit, `${initiator.heldBytes} bytes are held`);
  }
  const { status, unanswered } = initiator;
  return { ...played, sent: Uint8Array.from(Buffer.concat(sent)), status, unanswered };
}

const ends = new Set(['refused', 'redirected', 'logged-out', 'broken']);

/** What holds of the outcomes whatever the target said. */
function check({ outcomes, sent, status, unanswered, readyAt, digests }: Played): void {
  const answered = new Set<number>();
  const settle = (tag: number): void => {
    assert.ok(tag >= 1 && tag <= asked && !answered.has(tag), `an answer to nothing: ${tag}`);
    answered.add(tag);
  };
  for (const [index, outcome] of outcomes.entries()) {
    if (ends.has(outcome.kind)) {
      assert.equal(index, outcomes.length - 1, 'something follows the end');
      assert.equal(status, outcome.kind === 'broken' ? 'dead' : 'closed');
    }
    if ('text' in outcome) assertOneLine(outcome.text);
    if ('tag' in outcome) settle(outcome.tag);
    if (outcome.kind === 'managed') outcome.ended.forEach(settle);
    if (outcome.kind === 'answered') checkAnswer(outcome);
  }
  if (readyAt === undefined) assert.equal(sent.length, 0);
  else checkSent(sent, digests);
  // One more, which it asks because the target wants a negotiation.
  const open = readyAt === undefined ? 0 : asked - answered.size;
  if (status === 'ready')
    assert.ok(unanswered === open || unanswered === open + 1, `${unanswered} and not ${open}`);
}

function checkAnswer({ tag, status, data, residual }: InitiatorOutcome & { kind: 'answered' }): void {
  const bytes = reads.get(tag) ?? 0;
  assert.ok(data.length <= bytes);
  if (status === 0 && bytes > 0)
    assert.equal(data.length + (residual.kind === 'underflow' ? residual.bytes : 0), bytes);
}

/** Of no write it ever sends a byte twice or one that is not there. */
function checkSent(sent: Uint8Array, digests: Digests): void {
  const next = new Map<number, number>();
  for (const pdu of sentPdus([sent], digests)) {
    if (pdu.kind === 'command') next.set(pdu.tag, pdu.data.length);
    if (pdu.kind !== 'data-out') continue;
    assert.equal(pdu.offsetBytes, next.get(pdu.tag));
    next.set(pdu.tag, pdu.offsetBytes + pdu.data.length);
    assert.ok(pdu.offsetBytes + pdu.data.length <= (writes.get(pdu.tag) ?? 0));
  }
}

function assertOneLine(text: string): void {
  assert.doesNotMatch(text, /[\p{Cc}\u2028\u2029]/u);
  assert.ok(text.length <= 500, text);
}

const target = (): TargetBytes => new TargetBytes();
const inAnd = (say: (target: TargetBytes) => Uint8Array): Uint8Array => {
  const it = target();
  return Buffer.concat([it.welcome(), say(it)]);
};

/** On a border that is easily missed: tried in every run. */
const examples: [Uint8Array, number[], boolean][] = (
  [
    [new Uint8Array(0), [1]],
    [target().welcome(), [1]],
    [Buffer.concat([target().welcome(), Buffer.alloc(47)]), [20_000]],
    [inAnd((it) => it.dataIn(1, 0, 0, new Uint8Array(512))), [3]],
    [inAnd((it) => it.dataIn(2, 0, 0, new Uint8Array(0), false)), [64]],
    [inAnd((it) => it.dataIn(2, 0, 0, new Uint8Array(3000), false)), [64]],
    [inAnd((it) => it.dataIn(5, 0, 0xffffffff, new Uint8Array(0))), [64]],
    [inAnd((it) => it.r2t(4, 1, 0, 0xffffffff, 2)), [64]],
    [inAnd((it) => it.managed(8)), [1]],
    [inAnd((it) => Buffer.concat([it.managed(8), it.response(1), it.r2t(4, 1, 0, 4096, 1)])), [1, 2]],
    [inAnd((it) => Buffer.concat([it.async(4, [0, 0, 1]), it.async(4, [0, 0, 1])])), [48]],
    [inAnd((it) => it.reject(1, new Uint8Array(48))), [5]],
    [inAnd((it) => it.logout(1)), [5]],
    [target().login({ stage: 0, transit: true, dataBytes: 0xffffff }), [1]],
    [target().login({ stage: 0 }, 'AuthMethod=\u2028\n'), [9]],
  ] as [Uint8Array, number[]][]
).map(([bytes, lengths]) => [bytes, lengths, false]);

const withChap = fc.nat({ max: 4 }).map((chance) => chance === 0);

describe('an iSCSI initiator that hears anything at all', function () {
  this.timeout(fuzzTimeoutMs);

  it('throws nothing, ends once, holds no more than it asked for, however the bytes are cut', () => {
    fc.assert(
      fc.property(anyConversation, pieceLengths, withChap, (bytes, lengths, chap) => {
        const byBytes = play(bytes, chap, [1]);
        check(byBytes);
        // The target speaks of commands when they were issued: there is a cut where the initiator was let in.
        const { readyAt = bytes.length } = byBytes;
        assert.deepEqual(play(bytes, chap, lengths, readyAt), byBytes);
        assert.deepEqual(play(bytes, chap, [bytes.length + 1], readyAt), byBytes);
      }),
      { numRuns: fuzzRuns(300), examples },
    );
  });

  it('has an answer to everything it asked when the target makes no mistake', () => {
    fc.assert(
      fc.property(rightConversation, pieceLengths, (bytes, lengths) => {
        const { readyAt } = play(bytes, false, [1]);
        const played = play(bytes, false, lengths, readyAt);
        check(played);
        assert.deepEqual(
          [played.status, played.unanswered],
          ['ready', 0],
          JSON.stringify(played.outcomes.at(-1)),
        );
      }),
      { numRuns: fuzzRuns(100) },
    );
  });
});
