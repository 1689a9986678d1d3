import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { NbdClient } from './client.ts';
import { NBD_REP, NBD_REP_ERR } from './constants.ts';
import { optionAbort, optionGo } from './option-go.ts';
import type { Outcome } from './outcome.ts';
import {
  acknowledgement,
  bytesOf,
  greeting,
  infoBlockSize,
  infoExport,
  optionReply,
  simpleReply,
  welcome,
} from './server-bytes.fixture.ts';

/** Everything that comes of `bytes` when they come in pieces of these lengths, the last of which repeats. */
function feed(client: NbdClient, bytes: Uint8Array, lengths: readonly number[] = [bytes.length]): Outcome[] {
  const outcomes: Outcome[] = [];
  for (let at = 0, piece = 0; at < bytes.length; piece += 1) {
    const length = Math.max(1, lengths[Math.min(piece, lengths.length - 1)]!);
    outcomes.push(...client.receive(bytes.slice(at, at + length)));
    at += length;
  }
  return outcomes.map(plain);
}

/** With Uint8Arrays of one kind, so that deepEqual looks at the bytes only. */
function plain(outcome: Outcome): Outcome {
  if (outcome.kind === 'send') return { ...outcome, bytes: Uint8Array.from(outcome.bytes) };
  return outcome.kind === 'done' ? { ...outcome, payload: Uint8Array.from(outcome.payload) } : outcome;
}

function readyClient(): NbdClient {
  const client = new NbdClient('quorum');
  feed(client, welcome(65536));
  assert.equal(client.status, 'ready');
  return client;
}

const chunkings = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });
const payload = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (at * 7 + seed) % 256);

describe('an NBD client negotiating', () => {
  const server = bytesOf(greeting(), infoBlockSize(512, 4096, 1 << 20), infoExport(65536), acknowledgement);

  it('sends its flags and one NBD_OPT_GO, and is ready with the acknowledgement', () => {
    const client = new NbdClient('quorum');
    assert.equal(client.status, 'negotiating');
    const [sent, ready, ...more] = feed(client, server);
    assert.deepEqual(sent, {
      kind: 'send',
      bytes: Uint8Array.from([0, 0, 0, 3, ...optionGo('quorum')]),
    });
    assert.equal(ready?.kind, 'ready');
    assert.deepEqual(ready.kind === 'ready' && [ready.info.sizeBytes, ready.info.blockSizes], [
      65536,
      { minimumBytes: 512, preferredBytes: 4096, maximumPayloadBytes: 1 << 20 },
    ]);
    assert.deepEqual(more, []);
    assert.equal(client.status, 'ready');
  });

  it('does the same when the bytes come one by one, or cut anyhow', () => {
    const whole = feed(new NbdClient('quorum'), server);
    assert.deepEqual(feed(new NbdClient('quorum'), server, [1]), whole);
    fc.assert(
      fc.property(chunkings, (lengths) =>
        assert.deepEqual(feed(new NbdClient('quorum'), server, lengths), whole),
      ),
    );
  });

  it('takes its leave when it is refused, and gives the words of the server', () => {
    const client = new NbdClient('data@a.3.0011aabb');
    const text = 'data@a.3.0011aabb refused: last granted epoch 7';
    const refusal = bytesOf(greeting(), optionReply(NBD_REP_ERR.POLICY, bytesOf(text)));
    assert.deepEqual(feed(client, refusal, [1]).slice(1), [
      { kind: 'send', bytes: optionAbort() },
      { kind: 'refused', type: NBD_REP_ERR.POLICY, text },
    ]);
    assert.equal(client.status, 'closed');
    assert.deepEqual(feed(client, optionReply(NBD_REP.ACK)), []);
  });

  it('has no requests yet', () => {
    assert.throws(
      () => new NbdClient('quorum').issue({ kind: 'flush' }),
      /invariant: a request .* negotiating/,
    );
  });

  it('names the fault of a server and is dead', () => {
    const client = new NbdClient('quorum');
    const outcomes = feed(client, bytesOf(greeting(), optionReply(NBD_REP.INFO, bytesOf(), 3)));
    assert.deepEqual(outcomes.at(-1), {
      kind: 'broken',
      reason: 'unexpected-option-reply',
      text: 'a reply to option 3, and NBD_OPT_GO (7) was sent',
    });
    assert.equal(client.status, 'dead');
    assert.deepEqual(feed(client, welcome(65536)), []);
  });

  it('survives any garbage: nothing is thrown, it ends at most once, and never ready by chance', () => {
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 200 }).map((noise) => bytesOf(greeting(), noise)),
      // One byte of a good conversation changed.
      fc.tuple(fc.nat(server.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, change]) => {
        const changed = Uint8Array.from(server);
        changed[at] = changed[at]! ^ change;
        return changed;
      }),
    );
    fc.assert(
      fc.property(garbage, chunkings, (bytes, lengths) => {
        const outcomes = feed(new NbdClient('quorum'), bytes, lengths);
        const ends = outcomes.filter(({ kind }) => kind === 'broken' || kind === 'refused');
        assert.ok(ends.length <= 1 && (ends.length === 0 || outcomes.at(-1) === ends[0]));
      }),
    );
  });
});

describe('an NBD client with requests in flight', () => {
  it('gives every request a cookie of its own', () => {
    const client = readyClient();
    const cookies = Array.from({ length: 1000 }, () => client.issue({ kind: 'flush' }).cookie);
    assert.equal(new Set(cookies).size, 1000);
    assert.equal(client.unanswered, 1000);
  });

  it('takes answers in any order, cut anyhow, each with its own payload or error', () => {
    const kinds = fc.constantFrom('read', 'write', 'flush', 'failed read', 'failed write');
    const conversations = fc.array(fc.tuple(kinds, fc.integer({ min: 1, max: 300 })), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(conversations, fc.infiniteStream(fc.nat()), chunkings, (requests, order, lengths) => {
        const client = readyClient();
        const answers = requests.map(([kind, length], index) => {
          const { cookie } = client.issue(
            kind.endsWith('read')
              ? { kind: 'read', offsetBytes: 0, lengthBytes: length }
              : kind.endsWith('write')
                ? { kind: 'write', offsetBytes: 0, bytes: payload(length, 0), fua: true }
                : { kind: 'flush' },
          );
          const failed = kind.startsWith('failed');
          const data = kind === 'read' ? payload(length, index) : new Uint8Array(0);
          return {
            bytes: simpleReply(cookie, failed ? 5 : 0, data),
            outcome: failed ? { kind: 'failed', cookie, error: 5 } : { kind: 'done', cookie, payload: data },
            rank: order.next().value,
          };
        });
        answers.sort((a, b) => a.rank - b.rank);
        const outcomes = feed(client, bytesOf(...answers.map(({ bytes }) => bytes)), lengths);
        assert.deepEqual(
          outcomes,
          answers.map(({ outcome }) => outcome),
        );
        assert.equal(client.unanswered, 0);
        assert.equal(client.status, 'ready');
      }),
    );
  });

  it('reads 32 MiB in chunks of 64 KiB', () => {
    const client = readyClient();
    const length = 32 * 1024 * 1024;
    const { cookie } = client.issue({ kind: 'read', offsetBytes: 0, lengthBytes: length });
    const all = bytesOf(simpleReply(cookie), Buffer.alloc(length, 'arbiter'));
    const done = feed(client, all, [65536])[0];
    assert.ok(done?.kind === 'done' && Buffer.compare(done.payload, all.subarray(16)) === 0);
  });

  // prettier-ignore
  const ill: readonly [what: string, bytes: Uint8Array, reason: string, text: string][] = [
    [ 'a cookie nobody has', simpleReply(0xdeadn), 'unknown-cookie', 'a reply with cookie 0xdead, which no open request has' ],
    [ 'one cookie twice', bytesOf(simpleReply(1n), simpleReply(1n)), 'unknown-cookie', 'a reply with cookie 0x1, which no open request has' ],
    [ 'a structured reply', bytesOf([32, 0x668e33ef], [16, 1], [16, 0], [64, 1], [32, 0]), 'structured-reply', 'a structured reply, which was not negotiated' ],
    [ 'garbage', bytesOf('HTTP/1.1 400 Bad Request'), 'wrong-magic', 'a reply with magic 0x48545450' ],
  ];
  for (const [what, bytes, reason, text] of ill) {
    it(`is dead after ${what}, and takes nothing more`, () => {
      const client = readyClient();
      client.issue({ kind: 'flush' });
      client.issue({ kind: 'flush' });
      assert.deepEqual(feed(client, bytesOf(bytes, simpleReply(2n)), [1]).at(-1), {
        kind: 'broken',
        reason,
        text,
      });
      assert.equal(client.status, 'dead');
    });
  }

  it('sends NBD_CMD_DISC when it leaves, and looks at nothing afterwards', () => {
    const client = readyClient();
    const { cookie } = client.issue({ kind: 'flush' });
    assert.equal(client.disconnect()[7], 2);
    assert.equal(client.status, 'closed');
    assert.deepEqual(feed(client, simpleReply(cookie)), []);
    assert.throws(() => client.issue({ kind: 'flush' }), /invariant/);
  });
});
