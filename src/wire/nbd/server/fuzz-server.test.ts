import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { NBD_CMD, NBD_LIMIT, NBD_OPT, NBD_SIZE } from '../constants.ts';
import { fuzzRuns, fuzzTimeoutMs, pieceLengths, pieces, spoiled } from '../fuzz.fixture.ts';
import { clientFlags, exportName, go, option, request, served, write } from './client-bytes.fixture.ts';
import type { ServerOutcome } from './outcome.ts';
import { NbdServerWire } from './server.ts';

const about = served();
/** One message that is not complete: a request with its payload, or an option with its data. */
const unreadLimit = NBD_SIZE.request + Math.max(about.maximumBytes, NBD_LIMIT.optionBytes);

const names = fc.constantFrom('quorum', 'quorum', 'quorum', 'data@a.1.00000000', '', 'x'.repeat(4097));
const infos = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 });
const numbers = fc.oneof(fc.constantFrom<number>(...Object.values(NBD_OPT)), fc.nat());
const anyOption = fc.oneof(
  fc.tuple(names, infos).map(([name, asked]) => go(name, asked)),
  fc.tuple(names, infos).map(([name, asked]) => go(name, asked, NBD_OPT.INFO)),
  names.map(exportName),
  fc.tuple(numbers, fc.uint8Array({ maxLength: 30 })).map(([number, data]) => option(number, data)),
  fc.constant(option(4711, Buffer.alloc(9000))),
);

const offset = fc.oneof(
  fc.integer({ min: 0, max: 140 }).map((sector) => sector * 512),
  fc.constantFrom<number | bigint>(1, 65535, 2n ** 63n, 2n ** 64n - 1n),
);
const length = fc.oneof(
  fc.integer({ min: 0, max: 34 }).map((sector) => sector * 512),
  fc.constantFrom(1, 16385, 0xffff_ffff),
);
const flags = fc.constantFrom(0, 0, 1, 2, 0xffff);
const command = fc.oneof(fc.constantFrom<number>(...Object.values(NBD_CMD)), fc.nat({ max: 0xffff }));
const anyRequest = fc.oneof(
  fc
    .tuple(offset, fc.integer({ min: 0, max: 34 }), flags)
    .map(([at, sectors, flag]) => write(Number(at) % 2 ** 32, Buffer.alloc(sectors * 512, 7), flag)),
  fc
    .tuple(fc.constantFrom(NBD_CMD.READ, NBD_CMD.FLUSH), offset, length, flags)
    .map(([kind, at, bytes, flag]) => request({ command: kind, offset: at, length: bytes, flags: flag })),
  fc
    .tuple(command, offset, length, flags)
    .map(([kind, at, bytes, flag]) => request({ command: kind, offset: at, length: bytes, flags: flag })),
);

const clientSide = fc
  .tuple(
    fc.constantFrom(0, 1, 2, 3, 3, 3, 7),
    fc.array(anyOption, { maxLength: 4 }),
    fc.constantFrom(go('quorum', [3]), go('quorum'), exportName('quorum')),
    fc.array(anyRequest, { maxLength: 8 }),
  )
  .map(([flag, options, last, requests]) =>
    Buffer.concat([clientFlags(flag), ...options, last, ...requests]),
  );

const anyClient: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 3, arbitrary: clientSide },
  { weight: 4, arbitrary: spoiled(clientSide) },
  fc
    .tuple(fc.constantFrom(0, 3), fc.uint8Array({ maxLength: 300 }))
    .map(([flag, noise]) => Buffer.concat([clientFlags(flag), noise])),
  fc.uint8Array({ maxLength: 300 }),
);

/** A server that lets anybody into `quorum` and nobody into anything else, and hears `bytes` in these pieces. */
function hear(bytes: Uint8Array, lengths: readonly number[]): { outcomes: unknown[]; status: string } {
  const wire = new NbdServerWire(['quorum']);
  const outcomes: unknown[] = [];
  for (const piece of pieces(bytes, lengths)) {
    wire.receive(piece);
    for (let outcome = wire.next(); outcome !== undefined; outcome = wire.next()) {
      assert.notEqual(wire.status === 'closed', !isEnd(outcome), `${outcome.kind} and ${wire.status}`);
      if (outcome.kind === 'request') checkRequest(outcome.request);
      outcomes.push(plain(outcome));
      if (outcome.kind !== 'export-wanted') continue;
      const said = outcome.name === 'quorum' ? wire.admit(about) : wire.refuse('no');
      outcomes.push(said === null ? 'closed' : hex(said));
    }
    if (wire.status !== 'closed') assert.ok(wire.unread <= unreadLimit, `${wire.unread} bytes are held`);
  }
  return { outcomes, status: wire.status };
}

const isEnd = ({ kind }: ServerOutcome): boolean => kind === 'broken' || kind === 'leave';
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** "It can be carried out": within the export, and no larger than was announced to it. */
function checkRequest({
  op,
  offset,
  length,
  payload,
}: (ServerOutcome & { kind: 'request' })['request']): void {
  assert.ok(offset >= 0 && offset + length <= about.sizeBytes);
  assert.ok(length <= NBD_LIMIT.payloadBytes);
  assert.equal(payload.length, op === 'write' ? length : 0);
}

function plain(outcome: ServerOutcome): unknown {
  if (outcome.kind === 'send' || outcome.kind === 'leave') return { ...outcome, bytes: hex(outcome.bytes) };
  if (outcome.kind !== 'request') return outcome;
  return { kind: 'request', request: { ...outcome.request, payload: hex(outcome.request.payload) } };
}

/** Borders that are easily missed: tried in every run. */
const examples: [Uint8Array, number[]][] = [
  [new Uint8Array(0), [1]],
  [Buffer.concat([clientFlags(), go('quorum', [3]), write(65536 - 16384, Buffer.alloc(16384, 1))]), [20_000]],
  [Buffer.concat([clientFlags(), go('quorum'), write(0, Buffer.alloc(16384 + 512, 1))]), [1, 64]],
  [Buffer.concat([clientFlags(0), option(3)]), [1]],
  [Buffer.concat([clientFlags(), option(1, Buffer.alloc(8193))]), [3]],
  [
    Buffer.concat([
      clientFlags(),
      go('quorum'),
      request({ command: 0, offset: 2n ** 64n - 512n, length: 512 }),
    ]),
    [28],
  ],
];

describe('NBD server: whatever a client says', function () {
  this.timeout(fuzzTimeoutMs);

  it('throws nothing, ends once, and holds one message at most, however the bytes are cut', () => {
    fc.assert(
      fc.property(anyClient, pieceLengths, (bytes, lengths) => {
        const whole = hear(bytes, [1]);
        assert.deepEqual(hear(bytes, lengths), whole);
      }),
      { numRuns: fuzzRuns(100), examples },
    );
  });
});
