import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { NbdClient } from './client.ts';
import { NBD_LIMIT } from './constants.ts';
import { anyConversation, commands, readBytes, rightConversation } from './fuzz-server-side.fixture.ts';
import { fuzzRuns, fuzzTimeoutMs, pieceLengths, pieces } from './fuzz.fixture.ts';
import type { Outcome } from './outcome.ts';
import { plain } from './outcomes.fixture.ts';
import {
  bytesOf,
  chunk,
  dataChunk,
  errorAtChunk,
  errorChunk,
  greeting,
  holeChunk,
  noneChunk,
  optionReply,
  structuredWelcome,
  welcome,
} from './server-bytes.fixture.ts';

/** Twice what was asked for, one message more, and nothing that depends on the server. */
const heldLimit = 2 * readBytes + Math.max(readBytes, NBD_LIMIT.errorChunkBytes) + 64;

interface Played {
  outcomes: Outcome[];
  status: string;
  unanswered: number;
  /** How many bytes it took to be let in. */
  readyAt: number | undefined;
}

/** A client that asks `commands` as soon as it is let in, and hears `bytes` in these pieces. */
function play(bytes: Uint8Array, lengths: readonly number[], readyAt?: number): Played {
  const client = new NbdClient('quorum');
  const played: Played = { outcomes: [], status: '', unanswered: 0, readyAt: undefined };
  let heard = 0;
  for (const piece of pieces(bytes, lengths, readyAt)) {
    heard += piece.length;
    for (const outcome of client.receive(piece)) {
      played.outcomes.push(plain(outcome));
      if (outcome.kind !== 'ready') continue;
      played.readyAt = heard;
      if (client.status === 'ready') for (const command of commands) client.issue(command);
    }
    const alive = client.status === 'negotiating' || client.status === 'ready';
    if (alive) assert.ok(client.heldBytes <= heldLimit, `${client.heldBytes} bytes are held`);
  }
  return { ...played, status: client.status, unanswered: client.unanswered };
}

/** What holds of the outcomes whatever the server said. */
function check({ outcomes, status, unanswered }: Played): void {
  const answered = new Set<number>();
  for (const [index, outcome] of outcomes.entries()) {
    switch (outcome.kind) {
      case 'broken':
      case 'refused':
        assert.equal(index, outcomes.length - 1, 'something follows the end');
        assert.equal(status, outcome.kind === 'broken' ? 'dead' : 'closed');
        assertOneLine(outcome.text);
        break;
      case 'done':
      case 'failed': {
        const command = commands[outcome.cookie - 1];
        assert.ok(
          command !== undefined && !answered.has(outcome.cookie),
          `an answer to nothing: ${outcome.cookie}`,
        );
        answered.add(outcome.cookie);
        if (outcome.kind === 'done') {
          assert.equal(outcome.payload.length, command.kind === 'read' ? command.lengthBytes : 0);
        } else {
          assert.notEqual(outcome.error, 0);
          assertOneLine(outcome.text ?? '');
        }
        break;
      }
      default:
    }
  }
  const isIn = outcomes.some(({ kind }) => kind === 'ready');
  assert.equal(unanswered, isIn ? commands.length - answered.size : 0);
}

function assertOneLine(text: string): void {
  assert.doesNotMatch(text, /[\p{Cc}\u2028\u2029]/u);
  assert.ok(text.length <= NBD_LIMIT.stringBytes);
}

/** Once wrong, or on a border that is easily missed: tried in every run. */
const examples: [Uint8Array, number[]][] = [
  [bytesOf(), [1]],
  [structuredWelcome(65536), [1]],
  [bytesOf(welcome(65536), Buffer.alloc(40)), [20_000]],
  [bytesOf(greeting(), optionReply(2 ** 31 + 2, Buffer.alloc(8192, 0xc3), 8)), [4096]],
  [
    bytesOf(
      structuredWelcome(65536),
      dataChunk(2n, 4096, new Uint8Array(2999)),
      holeChunk(2n, 7095, 1),
      noneChunk(2n),
    ),
    [3],
  ],
  // A read that ended too early counted as answered.
  [bytesOf(structuredWelcome(65536), noneChunk(1n)), [1]],
  [bytesOf(structuredWelcome(65536), holeChunk(1n, 2n ** 64n - 1n, 2)), [7]],
  [bytesOf(structuredWelcome(65536), dataChunk(1n, 0, new Uint8Array(512)), holeChunk(1n, 0, 1)), [64]],
  [
    bytesOf(structuredWelcome(65536), errorAtChunk(1n, 5, 0), dataChunk(1n, 0, new Uint8Array(512), 1)),
    [1, 2],
  ],
  [bytesOf(structuredWelcome(65536), errorChunk(4n, 5, '\u2028\n', 1), errorAtChunk(3n, 5, 512, '', 1)), [5]],
  [
    bytesOf(structuredWelcome(65536), chunk(1n, 0x8003, bytesOf([32, 5], [16, 0], Buffer.alloc(8186)), 1)),
    [8192],
  ],
];

describe('an NBD client that hears anything at all', function () {
  this.timeout(fuzzTimeoutMs);

  it('throws nothing, ends once, holds no more than twice what it asked for, however the bytes are cut', () => {
    fc.assert(
      fc.property(anyConversation, pieceLengths, (bytes, lengths) => {
        const byBytes = play(bytes, [1]);
        check(byBytes);
        // The server speaks of requests when they were made: there is a cut where the client was let in.
        const { readyAt = bytes.length } = byBytes;
        assert.deepEqual(play(bytes, lengths, readyAt), byBytes);
        assert.deepEqual(play(bytes, [bytes.length + 1], readyAt), byBytes);
      }),
      { numRuns: fuzzRuns(300), examples },
    );
  });

  it('has an answer to everything it asked when the server makes no mistake', () => {
    fc.assert(
      fc.property(rightConversation, pieceLengths, (bytes, lengths) => {
        const { readyAt } = play(bytes, [1]);
        const played = play(bytes, lengths, readyAt);
        check(played);
        assert.deepEqual([played.status, played.unanswered], ['ready', 0]);
      }),
      { numRuns: fuzzRuns(100) },
    );
  });
});
