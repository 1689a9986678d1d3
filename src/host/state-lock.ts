import { createServer } from 'node:net';
import { join } from 'node:path';
import { AddressUnusable, listen } from './listen.ts';

/**
 * Keeps every other agent off this state directory for as long as this one lives: two of them would end each other's
 * service. It is a socket, because the kernel gives that up together with the process. Rejects with AddressUnusable.
 */
export async function lockState(stateDirectory: string): Promise<AsyncDisposable> {
  const server = createServer((socket) => socket.destroy());
  const address = `unix:${join(stateDirectory, 'agent.lock')}`;
  try {
    await listen(server, address);
  } catch (error) {
    const { message } = error as Error;
    if (!message.endsWith('another process answers there')) throw error;
    throw new AddressUnusable(`another agent runs with the state directory ${stateDirectory}`, {
      cause: error,
    });
  }
  server.unref();
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}
