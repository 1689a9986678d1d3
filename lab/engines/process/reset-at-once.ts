import type { Socket } from 'node:net';

/**
 * Ends a connection with a reset, at once. Not by Socket.resetAndDestroy: that first writes what is still to be written, and
 * when the connection breaks meanwhile it asks libuv for a reset that is refused to a handle that is shutting down, which
 * Node then never closes; a process with such a handle never ends. One that is shutting down is closed without a reset.
 */
export function resetAtOnce(socket: Socket): void {
  const isShuttingDown = socket.writableEnded && !socket.writableFinished;
  if (!isShuttingDown && !socket.connecting && !socket.destroyed)
    (socket as unknown as { resetAndClosing: boolean }).resetAndClosing = true;
  socket.destroy();
}
