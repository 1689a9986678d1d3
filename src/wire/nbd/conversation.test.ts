import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { NbdClient } from './client.ts';
import { fuzzRuns, fuzzTimeoutMs, pieceLengths, pieces } from './fuzz.fixture.ts';
import type { Command } from './request.ts';
import { NbdServerWire } from './server/server.ts';
import { served } from './server/client-bytes.fixture.ts';
import type { ServerRequest } from './server/outcome.ts';
import { readReply, simpleReply } from './server/simple-reply.ts';

const about = served({ sizeBytes: 8192 });
const sector = fc.integer({ min: 0, max: 15 });
const place = fc.tuple(sector, fc.integer({ min: 1, max: 4 })).map(([first, count]) => ({
  offsetBytes: first * 512,
  lengthBytes: Math.min(count, 16 - first) * 512,
}));
const commands = fc.array(
  fc.oneof(
    place.map((at): Command => ({ kind: 'read', ...at })),
    fc.tuple(place, fc.nat({ max: 255 })).map(([{ offsetBytes, lengthBytes }, value]): Command => ({
      kind: 'write',
      offsetBytes,
      bytes: new Uint8Array(lengthBytes).fill(value),
      fua: true,
    })),
    fc.constant<Command>({ kind: 'flush' }),
  ),
  { minLength: 1, maxLength: 12 },
);

/** Carries a request out on `disk`, and answers it. */
function carryOut(disk: Uint8Array, { op, offset, length, payload, cookie }: ServerRequest): Uint8Array {
  if (op === 'write') disk.set(payload, offset);
  if (op !== 'read') return simpleReply(cookie, 0);
  const { reply, data } = readReply(cookie, length);
  data.set(disk.subarray(offset, offset + length));
  return reply;
}

/** The server's bytes for `said`, in one piece; it lets everybody in. */
function answer(server: NbdServerWire, disk: Uint8Array, said: Iterable<Uint8Array>): Uint8Array {
  const sent: Uint8Array[] = [];
  for (const piece of said) {
    server.receive(piece);
    for (let outcome = server.next(); outcome !== undefined; outcome = server.next()) {
      if (outcome.kind === 'send') sent.push(outcome.bytes);
      else if (outcome.kind === 'export-wanted') sent.push(server.admit(about));
      else if (outcome.kind === 'request') sent.push(carryOut(disk, outcome.request));
      else if (outcome.kind === 'broken') assert.fail(outcome.why);
    }
  }
  return Buffer.concat(sent);
}

describe('NBD client and server of this program', function () {
  this.timeout(fuzzTimeoutMs);

  it('understand each other from greeting to goodbye, however the bytes are cut', () => {
    fc.assert(
      fc.property(commands, pieceLengths, pieceLengths, (all, up, down) => {
        const [client, server, disk] = [new NbdClient('quorum'), new NbdServerWire([]), new Uint8Array(8192)];
        const heard = (bytes: Uint8Array) =>
          Array.from(pieces(bytes, down)).flatMap((piece) => [...client.receive(piece)]);
        let toClient: Uint8Array = server.greeting();
        while (client.status === 'negotiating') {
          const sent = heard(toClient).flatMap((outcome) => (outcome.kind === 'send' ? [outcome.bytes] : []));
          const isIn = (): boolean => client.status === 'ready';
          assert.ok(isIn() || sent.length > 0, 'nobody has anything to say');
          toClient = answer(server, disk, pieces(Buffer.concat(sent), up));
        }
        const model = new Uint8Array(8192);
        const requests = all.map((command) => client.issue(command).bytes);
        const expected = all.map((command, index) => {
          if (command.kind === 'write') model.set(command.bytes, command.offsetBytes);
          const isRead = command.kind === 'read';
          const payload = isRead
            ? model.slice(command.offsetBytes, command.offsetBytes + command.lengthBytes)
            : new Uint8Array(0);
          return { kind: 'done', cookie: index + 1, payload: Buffer.from(payload).toString('hex') };
        });
        const outcomes = heard(answer(server, disk, pieces(Buffer.concat(requests), up)));
        assert.deepEqual(
          outcomes.map((it) =>
            it.kind === 'done' ? { ...it, payload: Buffer.from(it.payload).toString('hex') } : it,
          ),
          expected,
        );
        assert.equal(answer(server, disk, [client.disconnect()]).length, 0);
        assert.equal(server.status, 'closed');
      }),
      { numRuns: fuzzRuns(150) },
    );
  });
});
