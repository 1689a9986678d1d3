import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { NbdClient } from './client.ts';
import { feed } from './outcomes.fixture.ts';
import { bytesOf, simpleReply, welcome } from './server-bytes.fixture.ts';

function readyClient(): NbdClient {
  const client = new NbdClient('quorum');
  feed(client, welcome(65536));
  assert.equal(client.status, 'ready');
  return client;
}

const chunkings = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });
const payload = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (at * 7 + seed) % 256);

describe('an NBD client with simple replies', () => {
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
    [ 'a structured reply', bytesOf([32, 0x668e33ef], [16, 1], [16, 0], [64, 1], [32, 0]), 'unexpected-reply', 'a structured reply, which was not negotiated' ],
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
