import type { Socket } from 'node:net';

/** What a server that pours without end may get rid of before its client closes: buffers of both kernels, and no more. */
export const pouredBytes = 32 * 1024 * 1024;

/** Sends the same again and again, as fast as it is taken, until the connection ends. Resolves with how much that was. */
export function pour(socket: Socket, bytes: Uint8Array): Promise<number> {
  const repeated = Buffer.concat(Array.from({ length: Math.ceil(65536 / bytes.length) }, () => bytes));
  return new Promise((resolve) => {
    const more = (): void => {
      while (!socket.destroyed && socket.write(repeated));
    };
    socket.on('drain', more).on('close', () => resolve(socket.bytesWritten - socket.writableLength));
    more();
  });
}
