import type { Socket } from 'node:net';

/**
 * Ends a connection at once, with a reset, which also takes back what this machine's kernel has not sent yet. One that is
 * being shut down is closed without: libuv refuses it a reset, and Node would then never close its handle.
 */
export function reset(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
