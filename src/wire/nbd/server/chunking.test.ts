import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { NBD_CMD, NBD_OPT } from '../constants.ts';
import { clientFlags, go, option, request, served, write } from './client-bytes.fixture.ts';
import type { ServerOutcome } from './outcome.ts';
import { NbdServerWire } from './server.ts';

/** A whole conversation of a client, with everything in it that spans more than one message. */
const said = Buffer.concat([
  clientFlags(),
  option(NBD_OPT.LIST),
  option(4711, Buffer.alloc(9000)),
  go('data@a.1.00000000'),
  go('quorum', [3], NBD_OPT.INFO),
  go('quorum', [3, 1]),
  request({ command: NBD_CMD.READ, offset: 512, length: 1024 }),
  write(1024, Buffer.alloc(1024, 7)),
  write(65536, Buffer.alloc(512, 8)),
  write(0, Buffer.alloc(16384 + 512, 9)),
  request({ command: NBD_CMD.TRIM, length: 512 }),
  request({ command: NBD_CMD.FLUSH }),
  write(512, Buffer.alloc(3 * 512, 3), 1),
  request({ command: NBD_CMD.DISC }),
]);

function understood(chunks: Iterable<Uint8Array>): ServerOutcome[] {
  const wire = new NbdServerWire(['quorum']);
  const all: ServerOutcome[] = [];
  for (const chunk of chunks) {
    wire.receive(chunk);
    for (let outcome = wire.next(); outcome !== undefined; outcome = wire.next()) {
      all.push(copied(outcome));
      if (outcome.kind !== 'export-wanted') continue;
      const bytes = outcome.name === 'quorum' ? wire.admit(served()) : wire.refuse('no');
      all.push({ kind: 'send', bytes: Uint8Array.from(bytes!) });
    }
  }
  return all;
}

/** Views of the same bytes are equal to copies of them, whatever they are views of. */
function copied(outcome: ServerOutcome): ServerOutcome {
  if (outcome.kind === 'send') return { ...outcome, bytes: Uint8Array.from(outcome.bytes) };
  if (outcome.kind !== 'request') return outcome;
  return {
    kind: 'request',
    request: { ...outcome.request, payload: Uint8Array.from(outcome.request.payload) },
  };
}

describe('NBD server: however the bytes are cut', () => {
  const whole = understood([said]);

  it('the conversation is understood to its end', () => {
    assert.deepEqual(
      whole.map(({ kind }) => kind),
      [
        ...['send', 'send', 'export-wanted', 'send', 'export-wanted', 'send', 'export-wanted', 'send'],
        ...['request', 'request', 'send', 'send', 'send', 'request', 'request', 'leave'],
      ],
    );
  });

  it('one byte at a time gives the same', () => {
    assert.deepEqual(understood(Array.from(said, (byte) => Uint8Array.of(byte))), whole);
  });

  it('any cuts give the same', () => {
    const cuts = fc.uniqueArray(fc.nat({ max: said.length }), { maxLength: 40 });
    fc.assert(
      fc.property(cuts, (at) => {
        const ends = [...at].sort((a, b) => a - b);
        const chunks = [0, ...ends].map((start, i) => said.subarray(start, ends[i] ?? said.length));
        assert.deepEqual(understood(chunks), whole);
      }),
      { numRuns: 200 },
    );
  });

  it('any bytes at all are survived: nothing is thrown, and nothing is parsed for ever', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: said.length }), (noise, at) => {
        understood([said.subarray(0, at), noise, said.subarray(at)]);
      }),
      { numRuns: 500 },
    );
  });
});
