import * as fc from 'fast-check';
import { NBD_OPT, NBD_REP, NBD_REP_ERR } from './constants.ts';
import { spoiled } from './fuzz.fixture.ts';
import type { Command } from './request.ts';
import {
  acknowledgement,
  bytesOf,
  chunk,
  dataChunk,
  errorAtChunk,
  errorChunk,
  exportReply,
  greeting,
  holeChunk,
  infoBlockSize,
  infoExport,
  noneChunk,
  optionReply,
  simpleReply,
  structuredAgreed,
  structuredRefused,
} from './server-bytes.fixture.ts';

/** What a client asks as soon as it is let in; cookies are 1, 2, ... in this order. */
export const commands: readonly Command[] = [
  { kind: 'read', offsetBytes: 0, lengthBytes: 512 },
  { kind: 'read', offsetBytes: 4096, lengthBytes: 3000 },
  { kind: 'write', offsetBytes: 512, bytes: new Uint8Array(512), fua: true },
  { kind: 'flush' },
  { kind: 'trim', offsetBytes: 0, lengthBytes: 4096 },
  { kind: 'write-zeroes', offsetBytes: 8192, lengthBytes: 4096, fua: true, noHole: true, fast: false },
];

export const readBytes = 512 + 3000;

const size = 65536;
const noGo = optionReply(NBD_REP_ERR.UNSUP);

/** Every way into an export, and whether reads come in chunks then. */
const openings = fc.constantFrom<readonly [opening: Uint8Array, structured: boolean]>(
  [
    bytesOf(greeting(), structuredAgreed, infoBlockSize(1, 4096, 1 << 25), infoExport(size), acknowledgement),
    true,
  ],
  [bytesOf(greeting(), structuredRefused, infoExport(size), acknowledgement), false],
  [bytesOf(greeting(1), structuredAgreed, noGo, exportReply(size, 124)), true],
  [bytesOf(greeting(), structuredRefused, noGo, exportReply(size, 0)), false],
  [bytesOf(greeting(0), exportReply(size, 124)), false],
);

const text = fc.string({ unit: 'binary', maxLength: 20 });
const error = fc.constantFrom(1, 5, 22, 28, 95, 108, 4711);

/** A right answer to one request. */
function answer(index: number, structured: boolean): fc.Arbitrary<Uint8Array> {
  const cookie = BigInt(index + 1);
  const command = commands[index]!;
  const failed = fc.oneof(
    error.map((value) => simpleReply(cookie, value)),
    ...(structured
      ? [fc.tuple(error, text).map(([value, words]) => errorChunk(cookie, value, words, 1))]
      : []),
  );
  if (command.kind !== 'read') {
    const done = fc.constantFrom(simpleReply(cookie), ...(structured ? [noneChunk(cookie)] : []));
    return fc.oneof({ weight: 3, arbitrary: done }, failed);
  }
  const { offsetBytes, lengthBytes } = command;
  if (!structured) {
    const payload = fc.uint8Array({ minLength: lengthBytes, maxLength: lengthBytes });
    return fc.oneof({ weight: 3, arbitrary: payload.map((bytes) => simpleReply(cookie, 0, bytes)) }, failed);
  }
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: lengthBytes - 1 }), { maxLength: 5 });
  const done = fc.tuple(cuts, fc.nat()).map(([at, holes]) => {
    const ends = [...at.sort((a, b) => a - b), lengthBytes];
    const parts = ends.map((end, part) => {
      const start = part === 0 ? 0 : ends[part - 1]!;
      return ((holes >> part) & 1) === 1
        ? holeChunk(cookie, offsetBytes + start, end - start)
        : dataChunk(cookie, offsetBytes + start, new Uint8Array(end - start).fill(part + 1));
    });
    return bytesOf(...parts.reverse(), noneChunk(cookie));
  });
  return fc.oneof({ weight: 3, arbitrary: done }, failed);
}

/** All that a server without fault says to `commands`, in any order of answers. */
export const rightConversation: fc.Arbitrary<Uint8Array> = openings.chain(([opening, structured]) =>
  fc
    .tuple(fc.tuple(...commands.map((_, index) => answer(index, structured))), fc.infiniteStream(fc.nat()))
    .map(([answers, ranks]) => {
      const ranked = answers.map((bytes) => ({ bytes, rank: ranks.next().value }));
      ranked.sort((a, b) => a.rank - b.rank);
      return bytesOf(opening, ...ranked.map(({ bytes }) => bytes));
    }),
);

const cookie = fc.nat({ max: 8 }).map(BigInt);
const flags = fc.constantFrom(0, 0, 1, 0xffff);
const place = fc.oneof(
  fc.integer({ min: 0, max: 9000 }),
  fc.constantFrom(0, 512, 4096, 7096, 2n ** 64n - 1n),
);
const length = fc.oneof(fc.nat({ max: 3100 }), fc.constantFrom(0, 1, 512, 3000, 0xffff_ffff));
const type = fc.oneof(fc.nat({ max: 7 }), fc.constantFrom(0x8000, 0x8001, 0x8002, 0xffff));

/** Messages that are well-formed, each by itself; how they go together is left to chance. */
const message: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.constantFrom(structuredAgreed, structuredRefused, acknowledgement, noGo, infoExport(size), greeting()),
  fc
    .tuple(
      fc.constantFrom<number>(...Object.values(NBD_OPT)),
      fc.constantFrom(NBD_REP.ACK, NBD_REP.INFO, 2 ** 31 + 1),
      fc.uint8Array({ maxLength: 14 }),
    )
    .map(([option, reply, data]) => optionReply(reply, data, option)),
  fc
    .tuple(cookie, error, fc.uint8Array({ maxLength: 520 }))
    .map(([to, value, data]) => simpleReply(to, value, data)),
  cookie.map((to) => simpleReply(to, 0)),
  cookie.map(noneChunk),
  fc
    .tuple(cookie, place, fc.uint8Array({ maxLength: 3000 }), flags)
    .map(([to, offset, data, flag]) => dataChunk(to, offset, data, flag)),
  fc.tuple(cookie, place, length, flags).map(([to, offset, hole, flag]) => holeChunk(to, offset, hole, flag)),
  fc.tuple(cookie, error, text, flags).map(([to, value, words, flag]) => errorChunk(to, value, words, flag)),
  fc
    .tuple(cookie, error, place, text, flags)
    .map(([to, value, offset, words, flag]) => errorAtChunk(to, value, offset, words, flag)),
  fc
    .tuple(cookie, type, fc.uint8Array({ maxLength: 30 }), flags)
    .map(([to, kind, data, flag]) => chunk(to, kind, data, flag)),
);

const anyMessages = fc
  .tuple(openings, fc.array(message, { maxLength: 12 }))
  .map(([[opening], messages]) => bytesOf(opening, ...messages));

const noise = fc
  .tuple(
    fc.constantFrom(bytesOf(), greeting(), bytesOf(greeting(), structuredAgreed)),
    fc.uint8Array({ maxLength: 300 }),
  )
  .map(([before, bytes]) => bytesOf(before, bytes));

/** What a server may say to a client that asks `commands`: all the ways to be wrong, and now and then to be right. */
export const anyConversation: fc.Arbitrary<Uint8Array> = fc.oneof(
  rightConversation,
  { weight: 4, arbitrary: spoiled(rightConversation) },
  { weight: 3, arbitrary: anyMessages },
  spoiled(anyMessages),
  noise,
);
