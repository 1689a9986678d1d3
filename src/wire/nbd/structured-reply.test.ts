import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { NbdClient } from './client.ts';
import { NBD_LIMIT, NBD_REPLY_TYPE } from './constants.ts';
import { feed } from './outcomes.fixture.ts';
import {
  bytesOf,
  chunk,
  dataChunk,
  errorAtChunk,
  errorChunk,
  holeChunk,
  noneChunk,
  simpleReply,
  structuredWelcome,
} from './server-bytes.fixture.ts';

const size = 1 << 20;

function structuredClient(): NbdClient {
  const client = new NbdClient('quorum');
  feed(client, structuredWelcome(size));
  assert.equal(client.status, 'ready');
  return client;
}

/** A client with a read of 1024 bytes at 4096 (1), a write of 512 at 0 (2) and a flush (3) in flight. */
function busyClient(): NbdClient {
  const client = structuredClient();
  client.issue({ kind: 'read', offsetBytes: 4096, lengthBytes: 1024 });
  client.issue({ kind: 'write', offsetBytes: 0, bytes: new Uint8Array(512), fua: true });
  client.issue({ kind: 'flush' });
  return client;
}

const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
const expected = (...parts: readonly [length: number, value: number][]): Uint8Array =>
  Uint8Array.from(parts.flatMap(([length, value]) => [...filled(length, value)]));
const chunkings = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 });

describe('an NBD client with structured replies', () => {
  // prettier-ignore
  const reads: readonly [what: string, chunks: readonly Uint8Array[], payload: Uint8Array][] = [
    [ 'one chunk of data', [dataChunk(1n, 4096, filled(1024, 7), 1)], expected([1024, 7]) ],
    [ 'data, and the end by itself', [dataChunk(1n, 4096, filled(1024, 7)), noneChunk(1n)], expected([1024, 7]) ],
    [ 'a hole', [holeChunk(1n, 4096, 1024, 1)], expected([1024, 0]) ],
    [ 'data and a hole', [dataChunk(1n, 4096, filled(512, 7)), holeChunk(1n, 4608, 512, 1)], expected([512, 7], [512, 0]) ],
    [ 'pieces in any order', [dataChunk(1n, 4608, filled(500, 3)), holeChunk(1n, 5108, 12), dataChunk(1n, 4097, filled(511, 2)), dataChunk(1n, 4096, filled(1, 1), 1)],
      expected([1, 1], [511, 2], [500, 3], [12, 0]) ],
    [ 'other replies between', [dataChunk(1n, 4096, filled(512, 7)), noneChunk(3n), simpleReply(2n), dataChunk(1n, 4608, filled(512, 8), 1)],
      expected([512, 7], [512, 8]) ],
    [ 'flags nobody knows', [dataChunk(1n, 4096, filled(1024, 7), 0xffff)], expected([1024, 7]) ],
  ];
  for (const [what, chunks, payload] of reads) {
    it(`puts a read together from ${what}`, () => {
      for (const lengths of [[1], [1 << 20]]) {
        const done = feed(busyClient(), bytesOf(...chunks), lengths).filter(
          (it) => 'cookie' in it && it.cookie === 1,
        );
        assert.deepEqual(done, [{ kind: 'done', cookie: 1, payload }]);
      }
    });
  }

  it('takes either kind of reply to a request without payload', () => {
    const outcomes = feed(busyClient(), bytesOf(noneChunk(2n), simpleReply(3n, 5)));
    assert.deepEqual(outcomes, [
      { kind: 'done', cookie: 2, payload: new Uint8Array(0) },
      { kind: 'failed', cookie: 3, error: 5 },
    ]);
  });

  // prettier-ignore
  const errors: readonly [what: string, chunks: readonly Uint8Array[], failed: object][] = [
    [ 'an error', [errorChunk(1n, 5, '', 1)], { error: 5 } ],
    [ 'an error with words', [errorChunk(1n, 5, 'bad\nsector', 1)], { error: 5, text: 'bad sector' } ],
    [ 'an error at an offset', [errorAtChunk(1n, 5, 4608, 'media', 1)], { error: 5, text: 'media', offsetBytes: 4608 } ],
    [ 'an error within data that came', [dataChunk(1n, 4096, filled(1024, 7)), errorAtChunk(1n, 5, 4100), noneChunk(1n)], { error: 5, offsetBytes: 4100 } ],
    [ 'an error, and the data after it all the same', [errorChunk(1n, 12), dataChunk(1n, 4096, filled(1024, 7), 1)], { error: 12 } ],
    [ 'several, of which the first counts', [errorAtChunk(1n, 5, 4100), errorAtChunk(1n, 28, 4200, 'x'), noneChunk(1n)], { error: 5, offsetBytes: 4100 } ],
    [ 'several, of which ESHUTDOWN counts', [errorChunk(1n, 5, 'x'), errorChunk(1n, 108, 'bye'), errorChunk(1n, 108, 'bye bye'), errorChunk(1n, 5, 'y', 1)], { error: 108, text: 'bye' } ],
    [ 'an error of a type nobody knows', [chunk(1n, 0xabcd, bytesOf([32, 5], [16, 2], 'no', filled(30, 9)), 1)], { error: 5, text: 'no' } ],
    [ 'an error in a simple reply', [simpleReply(1n, 22)], { error: 22 } ],
  ];
  for (const [what, chunks, failed] of errors) {
    it(`lets one read fail with ${what}, and no other request`, () => {
      const client = busyClient();
      const outcomes = feed(client, bytesOf(...chunks, noneChunk(2n)), [1]);
      assert.deepEqual(outcomes, [
        { kind: 'failed', cookie: 1, ...failed },
        { kind: 'done', cookie: 2, payload: new Uint8Array(0) },
      ]);
      assert.deepEqual([client.status, client.unanswered, client.heldBytes], ['ready', 1, 0]);
    });
  }

  it('takes the offset of an error in a write, and ignores the one in a flush, which is nowhere', () => {
    const outcomes = feed(
      busyClient(),
      bytesOf(errorAtChunk(2n, 28, 511, '', 1), errorAtChunk(3n, 5, 9, '', 1)),
    );
    assert.deepEqual(outcomes, [
      { kind: 'failed', cookie: 2, error: 28, offsetBytes: 511 },
      { kind: 'failed', cookie: 3, error: 5 },
    ]);
  });

  // prettier-ignore
  const ill: readonly [what: string, chunks: readonly Uint8Array[], reason: string, text: string][] = [
    [ 'a cookie nobody has', [noneChunk(9n)], 'unknown-cookie', 'a reply with cookie 0x9, which no open request has' ],
    [ 'data after the last chunk', [dataChunk(1n, 4096, filled(1024, 7), 1), dataChunk(1n, 4096, filled(1, 7))], 'unknown-cookie', 'a reply with cookie 0x1, which no open request has' ],
    [ 'a simple reply to a read', [simpleReply(1n)], 'unexpected-reply', 'a simple reply to a read' ],
    [ 'a type nobody knows', [chunk(1n, 77)], 'unexpected-reply', 'a reply chunk of type 77' ],
    [ 'block status, which nobody asked for', [chunk(1n, NBD_REPLY_TYPE.BLOCK_STATUS, filled(12, 0))], 'unexpected-reply', 'a reply chunk of type 5' ],
    [ 'an end with data', [chunk(1n, 0, filled(1, 1), 1)], 'malformed-chunk', 'a chunk without contents of 1 bytes' ],
    [ 'an end that is none', [chunk(1n, 0)], 'malformed-chunk', 'a chunk without contents that is not the last one' ],
    [ 'data without a byte', [dataChunk(1n, 4096, filled(0, 1))], 'malformed-chunk', 'a data chunk of 8 bytes' ],
    [ 'data cut short', [chunk(1n, 1, filled(7, 0))], 'malformed-chunk', 'a data chunk of 7 bytes' ],
    [ 'more data than was asked for', [dataChunk(1n, 4096, filled(1025, 1))], 'too-large', 'a data chunk of 1033 bytes, and 1024 of its request are open' ],
    [ 'more data than is open still', [dataChunk(1n, 4096, filled(1000, 1)), dataChunk(1n, 5096, filled(25, 1))], 'too-large', 'a data chunk of 33 bytes, and 24 of its request are open' ],
    [ 'data before the request', [dataChunk(1n, 4095, filled(2, 1))], 'malformed-chunk', 'contents of 2 bytes at 4095 in the reply to a read of 1024 bytes at 4096' ],
    [ 'data behind the request', [dataChunk(1n, 5119, filled(2, 1))], 'malformed-chunk', 'contents of 2 bytes at 5119 in the reply to a read of 1024 bytes at 4096' ],
    [ 'data at an offset beyond all numbers', [dataChunk(1n, 2n ** 64n - 1n, filled(2, 1))], 'malformed-chunk', 'contents of 2 bytes at 18446744073709552000 in the reply to a read of 1024 bytes at 4096' ],
    [ 'data that overlap', [dataChunk(1n, 4096, filled(10, 1)), dataChunk(1n, 4105, filled(10, 1))], 'malformed-chunk', 'contents of 10 bytes at 4105, which overlap with an earlier chunk of the same reply' ],
    [ 'a hole over data', [dataChunk(1n, 4100, filled(1, 1)), holeChunk(1n, 4096, 512)], 'malformed-chunk', 'contents of 512 bytes at 4096, which overlap with an earlier chunk of the same reply' ],
    [ 'a hole over everything', [dataChunk(1n, 4096, filled(1024, 1)), holeChunk(1n, 4096, 1)], 'malformed-chunk', 'contents of 1 bytes at 4096, which overlap with an earlier chunk of the same reply' ],
    [ 'data over an earlier error', [errorAtChunk(1n, 5, 4200), dataChunk(1n, 4096, filled(1024, 1))], 'malformed-chunk', 'contents of 1024 bytes at 4096, which overlap with an earlier chunk of the same reply' ],
    [ 'a hole without a byte', [holeChunk(1n, 4096, 0)], 'malformed-chunk', 'contents of 0 bytes at 4096' ],
    [ 'a hole cut short', [chunk(1n, 2, filled(11, 0))], 'malformed-chunk', 'a hole chunk of 11 bytes, it has 12' ],
    [ 'a hole of 4 GiB', [holeChunk(1n, 4096, 0xffffffff)], 'malformed-chunk', 'contents of 4294967295 bytes at 4096 in the reply to a read of 1024 bytes at 4096' ],
    [ 'data in the reply to a write', [dataChunk(2n, 0, filled(1, 1))], 'too-large', 'a data chunk of 9 bytes, and 0 of its request are open' ],
    [ 'a hole in the reply to a write', [holeChunk(2n, 0, 512)], 'malformed-chunk', 'contents of 512 bytes at 0 in the reply to a write of 512 bytes at 0' ],
    [ 'a hole in the reply to a flush', [holeChunk(3n, 0, 1)], 'malformed-chunk', 'contents of 1 bytes at 0 in the reply to a flush' ],
    [ 'an end too early', [dataChunk(1n, 4096, filled(1000, 1)), noneChunk(1n)], 'incomplete-reply', 'the reply to a read of 1024 bytes ended 24 bytes short' ],
    [ 'an end and nothing before it', [noneChunk(1n)], 'incomplete-reply', 'the reply to a read of 1024 bytes ended 1024 bytes short' ],
    [ 'error 0', [errorChunk(1n, 0)], 'malformed-chunk', 'an error chunk with error 0' ],
    [ 'an error cut short', [chunk(1n, 0x8001, filled(5, 1))], 'malformed-chunk', 'an error chunk of 5 bytes, it has 6 at least' ],
    [ 'an error without its offset', [chunk(1n, 0x8002, filled(13, 1))], 'malformed-chunk', 'an error chunk of 13 bytes, it has 14 at least' ],
    [ 'an error whose message is longer than it', [chunk(1n, 0x8001, bytesOf([32, 5], [16, 3], 'no'))], 'malformed-chunk', 'an error chunk with a message of 3 bytes in 8 bytes' ],
    [ 'an error whose message leaves no room for its offset', [chunk(1n, 0x8002, bytesOf([32, 5], [16, 1], [64, 4096]))], 'malformed-chunk', 'an error chunk with a message of 1 bytes in 14 bytes' ],
    [ 'an error of a type nobody knows, whose message is longer than it', [chunk(1n, 0xffff, bytesOf([32, 5], [16, 3], 'no'))], 'malformed-chunk', 'an error chunk with a message of 3 bytes in 8 bytes' ],
    [ 'an error outside of the request', [errorAtChunk(1n, 5, 5120)], 'malformed-chunk', 'an error at 5120 in the reply to a read of 1024 bytes at 4096' ],
    [ 'an error before the request', [errorAtChunk(1n, 5, 4095)], 'malformed-chunk', 'an error at 4095 in the reply to a read of 1024 bytes at 4096' ],
    [ 'an error behind a write', [errorAtChunk(2n, 5, 512)], 'malformed-chunk', 'an error at 512 in the reply to a write of 512 bytes at 0' ],
    [ 'an error of 8193 bytes', [chunk(1n, 0x8001, filled(8193, 1))], 'too-large', 'an error chunk of 8193 bytes; at most 8192 are read' ],
    [ 'no end of errors', Array.from({ length: NBD_LIMIT.errorChunks + 1 }, () => errorChunk(1n, 5)), 'too-large', 'more than 1024 error chunks in one reply' ],
  ];
  for (const [what, chunks, reason, text] of ill) {
    it(`is dead after ${what}, and takes nothing more`, () => {
      const client = busyClient();
      const outcomes = feed(client, bytesOf(...chunks, noneChunk(2n)), [7]);
      assert.deepEqual(outcomes.at(-1), { kind: 'broken', reason, text });
      assert.equal(client.status, 'dead');
    });
  }

  it('does not wait for data it will not take', () => {
    for (const lengthBytes of [1 << 20, 0xffff_ffff]) {
      const client = busyClient();
      const head = bytesOf(dataChunk(1n, 4096, filled(1, 1)).subarray(0, 16), [32, lengthBytes]);
      assert.equal(feed(client, head).at(-1)?.kind, 'broken');
    }
  });

  it('holds twice what was asked for at most, while a reply comes in pieces, and nothing when it is over', () => {
    const client = structuredClient();
    const lengthBytes = 65536;
    client.issue({ kind: 'read', offsetBytes: 0, lengthBytes });
    assert.equal(client.heldBytes, 0);
    for (let at = 0; at < lengthBytes; at += 2) {
      feed(client, dataChunk(1n, at, filled(1, 1)));
      assert.ok(client.heldBytes <= 2 * lengthBytes);
    }
    assert.equal(client.heldBytes, 2 * lengthBytes);
    feed(client, errorChunk(1n, 5, '', 1));
    assert.equal(client.heldBytes, 0);
  });

  it('keeps nothing of a reply nobody waits for any more, and checks it all the same', () => {
    const client = busyClient();
    feed(client, dataChunk(1n, 4096, filled(512, 1)));
    assert.equal(client.heldBytes, 2048);
    client.abandon(1);
    assert.deepEqual([client.heldBytes, client.unanswered], [0, 3]);
    feed(client, dataChunk(1n, 4608, filled(511, 1)));
    assert.equal(client.heldBytes, 0);
    const ended = feed(client, dataChunk(1n, 5119, filled(1, 1), 1));
    assert.deepEqual(ended, [{ kind: 'done', cookie: 1, payload: new Uint8Array(0) }]);

    const other = busyClient();
    other.abandon(1);
    assert.equal(feed(other, dataChunk(1n, 4095, filled(1, 1))).at(-1)?.kind, 'broken');
  });

  it('reads 32 MiB in one chunk and in 512 of them', () => {
    const length = 32 * 1024 * 1024;
    const data = Buffer.alloc(length, 'arbiter');
    for (const pieces of [1, 512]) {
      const client = structuredClient();
      client.issue({ kind: 'read', offsetBytes: 0, lengthBytes: length });
      const part = length / pieces;
      const chunks = Array.from({ length: pieces }, (_, at) =>
        dataChunk(1n, at * part, data.subarray(at * part, (at + 1) * part), at === pieces - 1 ? 1 : 0),
      );
      const [done] = feed(client, bytesOf(...chunks), [65536]);
      assert.ok(done?.kind === 'done' && Buffer.compare(done.payload, data) === 0);
    }
  });

  it('gives the same for any pieces in any order, cut anyhow', () => {
    const piece = fc.tuple(fc.integer({ min: 1, max: 300 }), fc.option(fc.integer({ min: 1, max: 255 })));
    const order = fc.infiniteStream(fc.nat());
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 10 }),
        order,
        chunkings,
        (pieces, ranks, lengths) => {
          const client = structuredClient();
          const total = pieces.reduce((sum, [length]) => sum + length, 0);
          client.issue({ kind: 'read', offsetBytes: 1000, lengthBytes: total });
          let at = 1000;
          const chunks = pieces.map(([length, value]) => {
            const start = at;
            at += length;
            const bytes =
              value === null ? holeChunk(1n, start, length) : dataChunk(1n, start, filled(length, value));
            return { bytes, rank: ranks.next().value };
          });
          chunks.sort((a, b) => a.rank - b.rank);
          const all = bytesOf(...chunks.map(({ bytes }) => bytes), noneChunk(1n));
          const payload = expected(
            ...pieces.map(([length, value]) => [length, value ?? 0] as [number, number]),
          );
          assert.deepEqual(feed(client, all, lengths), [{ kind: 'done', cookie: 1, payload }]);
        },
      ),
    );
  });
});
