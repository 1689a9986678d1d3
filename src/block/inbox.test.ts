import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { connectWithInbox } from './inbox.ts';

/** Everything that a server says, in the chunks in which it is received, looked at only when all of it is there. */
async function received(bytes: Uint8Array): Promise<{ chunks: Uint8Array[]; ended: boolean }> {
  const server = createServer((socket) => socket.end(bytes));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const chunks: Uint8Array[] = [];
  let ended = false;
  const socket = connectWithInbox({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('end', () => (ended = true));
  await once(socket, 'close');
  server.close();
  return { chunks, ended };
}

const counted = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (at * 7 + (at >> 8)) % 251);

describe('memory that a connection receives into', () => {
  it('is never received into again: what came first is still there when all has come, and then the end', async () => {
    const said = counted(5 * 1024 * 1024);
    const { chunks, ended } = await received(said);
    assert.ok(Buffer.concat(chunks).equals(said), 'what was received is not what was said');
    assert.equal(ended, true);
  });

  it('holds what came in several reads in one place, as far as it has room', async () => {
    const { chunks } = await received(counted(5 * 1024 * 1024));
    const follows = chunks.filter((chunk, at) => {
      const before = chunks[at - 1];
      return before?.buffer === chunk.buffer && before.byteOffset + before.length === chunk.byteOffset;
    });
    const pieces = new Set(chunks.map(({ buffer }) => buffer));
    assert.equal(follows.length, chunks.length - pieces.size);
  });

  it('becomes larger where there is much to read, and stays within a bound', async () => {
    const { chunks } = await received(counted(5 * 1024 * 1024));
    const sizes = [...new Set(chunks.map(({ buffer }) => buffer))].map(({ byteLength }) => byteLength);
    assert.equal(sizes[0], 16 * 1024);
    assert.ok(sizes.at(-1)! > 16 * 1024 && Math.max(...sizes) <= 1024 * 1024, sizes.join(', '));
  });
});
