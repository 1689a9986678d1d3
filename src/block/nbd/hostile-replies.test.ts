import assert from 'node:assert/strict';
import {
  bytesOf,
  chunk,
  dataChunk,
  errorChunk,
  holeChunk,
  noneChunk,
  simpleReply,
  structuredWelcome,
  welcome,
} from '../../wire/nbd/server-bytes.fixture.ts';
import { NbdBlockDevice } from './device.ts';
import { pour, pouredBytes } from './hostile.fixture.ts';
import { says, ScriptedServer } from './scripted-server.fixture.ts';

const long = 10_000;
const soon = 100;
const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

interface Attacked {
  device: NbdBlockDevice;
  socket: (typeof ScriptedServer.prototype.connections)[number];
  /** Of a read of 1024 bytes at 4096 (cookie 1) and a write of 512 at 0 (cookie 2): what became of them. */
  ends: Promise<string[]>;
}

async function attacked(
  stack: AsyncDisposableStack,
  opening: Uint8Array,
  deadlineMs = long,
): Promise<Attacked & { server: ScriptedServer }> {
  const server = stack.use(await ScriptedServer.listen({ opening: says(opening) }));
  const device = stack.use(await NbdBlockDevice.open(server.address, 'quorum', long));
  const requests = [device.read(4096, 1024, deadlineMs), device.writeDurably(0, filled(512, 7), deadlineMs)];
  const ends = Promise.all(
    requests.map((request) =>
      request.then(
        () => 'ok',
        (error: Error) =>
          `${error.name}: ${error.message.replace(`${device.name}: `, '').replace(/\d+ ms$/, 'N ms')}`,
      ),
    ),
  );
  await server.request();
  const { socket } = await server.request();
  return { server, device, socket, ends };
}

/** A new connection, to a server that behaves again: the write of unknown outcome was not issued a second time. */
async function goesOn(server: ScriptedServer, device: NbdBlockDevice): Promise<void> {
  server.opening = says(welcome(65536));
  const read = device.read(512, 512, long);
  const { connection, offset, reply } = await server.request();
  assert.ok(connection > 0);
  assert.equal(offset, 512);
  reply(0, filled(512, 3));
  assert.equal((await read)[0], 3);
  assert.equal(server.untaken, 0);
}

const unknown = (text: string): string[] => [
  `OutcomeUnknown: read of 1024 bytes at 4096 was not answered: connection lost: ${text}`,
  `OutcomeUnknown: write of 512 bytes at 0 was not answered: connection lost: ${text}`,
];

const simple = welcome(65536);
const structured = structuredWelcome(65536);

describe('an NBD server that is hostile while it serves', () => {
  // prettier-ignore
  const broken: readonly [what: string, opening: Uint8Array, said: Uint8Array, text: string][] = [
    [ 'another protocol', simple, bytesOf('HTTP/1.1 400 Bad Request\r\n'), 'a reply with magic 0x48545450' ],
    [ 'a reply with another magic', simple, bytesOf([32, 0x67446699], [32, 0], [64, 1]), 'a reply with magic 0x67446699' ],
    [ 'a reply to nothing', simple, simpleReply(3n), 'a reply with cookie 0x3, which no open request has' ],
    [ 'a cookie of ones', simple, simpleReply(2n ** 64n - 1n), 'a reply with cookie 0xffffffffffffffff, which no open request has' ],
    [ 'chunks nobody agreed to', simple, noneChunk(1n), 'a structured reply, which was not negotiated' ],
    [ 'a simple reply where chunks were agreed to', structured, simpleReply(1n, 0, filled(1024, 1)), 'a simple reply to a read' ],
    [ 'a chunk of 4 GiB', structured, bytesOf(chunk(1n, 1).subarray(0, 16), [32, 0xffffffff]), 'a data chunk of 4294967295 bytes, and 1024 of its request are open' ],
    [ 'an error of 4 GiB', structured, bytesOf(chunk(1n, 0x8001).subarray(0, 16), [32, 0xffffffff]), 'an error chunk of 4294967295 bytes; at most 8192 are read' ],
    [ 'a chunk of a byte too much', structured, dataChunk(1n, 4096, filled(1025, 1)), 'a data chunk of 1033 bytes, and 1024 of its request are open' ],
    [ 'a chunk beside the request', structured, dataChunk(1n, 0, filled(1024, 1)), 'contents of 1024 bytes at 0 in the reply to a read of 1024 bytes at 4096' ],
    [ 'a hole beyond the request', structured, holeChunk(1n, 4096, 2 ** 32 - 1), 'contents of 4294967295 bytes at 4096 in the reply to a read of 1024 bytes at 4096' ],
    [ 'data over data', structured, bytesOf(dataChunk(1n, 4096, filled(512, 1)), dataChunk(1n, 4607, filled(512, 1))), 'contents of 512 bytes at 4607, which overlap with an earlier chunk of the same reply' ],
    [ 'data in the reply to a write', structured, dataChunk(2n, 0, filled(512, 1)), 'a data chunk of 520 bytes, and 0 of its request are open' ],
    [ 'half of what was asked for', structured, dataChunk(1n, 4096, filled(512, 1), 1), 'the reply to a read of 1024 bytes ended 512 bytes short' ],
    [ 'a type nobody knows', structured, chunk(1n, 6, filled(20, 0)), 'a reply chunk of type 6' ],
    [ 'an error that is none', structured, errorChunk(1n, 0), 'an error chunk with error 0' ],
    [ 'an error with a message beyond its end', structured, chunk(1n, 0x8001, bytesOf([32, 5], [16, 65535])), 'an error chunk with a message of 65535 bytes in 6 bytes' ],
  ];
  for (const [what, opening, said, text] of broken) {
    it(`is named and left when it says ${what}, and nothing that was in flight is sent again`, async () => {
      await using stack = new AsyncDisposableStack();
      const { server, device, socket, ends } = await attacked(stack, opening);
      const closed = new Promise((resolve) => socket.on('close', resolve));
      socket.write(said);
      assert.deepEqual(await ends, unknown(text));
      await closed;
      await goesOn(server, device);
    });
  }

  it('is left after a simple reply of a byte too little, in which nothing shows that the next one begins', async () => {
    await using stack = new AsyncDisposableStack();
    const { server, device, socket, ends } = await attacked(stack, simple);
    socket.write(bytesOf(simpleReply(1n, 0, filled(1023, 1)), simpleReply(2n), simpleReply(2n)));
    assert.deepEqual(await ends, ['ok', unknown('a reply with magic 0x44669800')[1]]);
    await goesOn(server, device);
  });

  it('is left after it answers twice; what the first answers said stands', async () => {
    await using stack = new AsyncDisposableStack();
    const { server, device, socket, ends } = await attacked(stack, structured);
    socket.write(bytesOf(dataChunk(1n, 4096, filled(1024, 1), 1), dataChunk(1n, 4096, filled(1024, 2), 1)));
    const text = 'a reply with cookie 0x1, which no open request has';
    assert.deepEqual(await ends, ['ok', unknown(text)[1]]);
    await goesOn(server, device);
  });

  // prettier-ignore
  const cutShort: readonly [what: string, opening: Uint8Array, said: Uint8Array][] = [
    [ 'without a word', simple, bytesOf() ],
    [ 'within the head of a reply', simple, simpleReply(1n).subarray(0, 15) ],
    [ 'within a payload', simple, simpleReply(1n, 0, filled(1023, 1)) ],
    [ 'within the head of a chunk', structured, chunk(1n, 1).subarray(0, 19) ],
    [ 'within a chunk', structured, dataChunk(1n, 4096, filled(1024, 1), 1).subarray(0, -1) ],
    [ 'between two chunks', structured, dataChunk(1n, 4096, filled(512, 1)) ],
  ];
  for (const [what, opening, said] of cutShort) {
    it(`leaves outcomes unknown when it ends the connection ${what}`, async () => {
      await using stack = new AsyncDisposableStack();
      const { server, device, socket, ends } = await attacked(stack, opening);
      socket.end(said);
      assert.deepEqual(await ends, unknown('closed by the server'));
      await goesOn(server, device);
    });

    it(`is left when it falls silent ${what}: by the first request that hears nothing`, async () => {
      await using stack = new AsyncDisposableStack();
      const { server, device, socket, ends } = await attacked(stack, opening, 3 * soon);
      socket.write(said);
      assert.deepEqual(await ends, [
        `OutcomeUnknown: read of 1024 bytes at 4096 was not answered within N ms`,
        `OutcomeUnknown: write of 512 bytes at 0 was not answered within N ms`,
      ]);
      if (said.length > 0) {
        await assert.rejects(device.read(1024, 512, soon), { name: 'OutcomeUnknown' });
        await server.request();
      }
      await goesOn(server, device);
    });
  }

  // prettier-ignore
  const endless: readonly [what: string, opening: Uint8Array, again: Uint8Array, text: string][] = [
    [ 'errors', structured, errorChunk(1n, 5, 'x'.repeat(4000)), 'more than 1024 error chunks in one reply' ],
    [ 'errors of types nobody knows', structured, chunk(1n, 0xffff, bytesOf([32, 5], [16, 0], Buffer.alloc(8000))), 'more than 1024 error chunks in one reply' ],
    [ 'data', structured, dataChunk(1n, 4096, filled(1, 1)), 'contents of 1 bytes at 4096, which overlap with an earlier chunk of the same reply' ],
    [ 'replies', simple, simpleReply(2n), 'a reply with cookie 0x2, which no open request has' ],
    [ 'garbage', structured, bytesOf('spam '), 'a reply with magic 0x7370616d' ],
  ];
  for (const [what, opening, again, text] of endless) {
    it(`is left when there is no end of ${what}, and gets rid of no more than buffers hold`, async () => {
      await using stack = new AsyncDisposableStack();
      const { server, device, socket, ends } = await attacked(stack, opening);
      const poured = pour(socket, again);
      assert.deepEqual((await ends)[0], unknown(text)[0]);
      assert.ok((await poured) < pouredBytes);
      await goesOn(server, device);
    });
  }

  it('makes a client hold no more than twice what it asked for, however small its pieces', async () => {
    await using stack = new AsyncDisposableStack();
    const { device, socket, ends } = await attacked(stack, structured);
    const odd = Array.from({ length: 512 }, (_, at) => dataChunk(1n, 4096 + 2 * at, filled(1, 1)));
    const even = Array.from({ length: 512 }, (_, at) => holeChunk(1n, 4097 + 2 * at, 1));
    socket.write(bytesOf(...odd, ...even.reverse(), noneChunk(1n), errorChunk(2n, 28, 'full', 1)));
    assert.deepEqual(await ends, [
      'ok',
      'RequestFailed: write of 512 bytes at 0 failed with NBD error 28 (ENOSPC): full',
    ]);
    assert.equal(device.sizeBytes, 65536);
  });
});
