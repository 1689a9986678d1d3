import { createServer, type Server, type Socket } from 'node:net';
import { type Controlled, createControl } from './control.ts';
import { type Accept, Door } from './door.ts';
import { type ListenAddress, listenOn } from './listen.ts';
import { systemReason } from './unusable.ts';

/** Everything that a storage node listens at, with a door that stays shut until it listens everywhere. */
export class Entrances {
  readonly #servers: Server[] = [];
  readonly #onTrouble: (line: string) => void;
  readonly #door = new Door();

  constructor(onTrouble: (line: string) => void) {
    this.#onTrouble = onTrouble;
  }

  /** Listens for clients. Resolves with the address in words; rejects with StorageUnusable. */
  listen(address: ListenAddress): Promise<string> {
    const server = createServer({ allowHalfOpen: true }, (socket) =>
      this.#door.knock(socket, peerOf(socket, address)),
    );
    return this.#listen(server, address);
  }

  /** Listens for control. Rejects with StorageUnusable. */
  async control(controlled: Controlled, path: string): Promise<void> {
    await this.#listen(createControl(controlled), { kind: 'unix', path });
  }

  open(accept: Accept): void {
    this.#door.open(accept);
  }

  /** Nobody comes in any more; who is in stays. */
  close(): void {
    for (const server of this.#servers) {
      server.close();
      if ('closeAllConnections' in server) (server as { closeAllConnections(): void }).closeAllConnections();
    }
  }

  async #listen(server: Server, address: ListenAddress): Promise<string> {
    const where = await listenOn(server, address);
    server.on('error', (error) => {
      this.#onTrouble(
        `storage: ${where}: a client could not be accepted (${systemReason(error)}): whoever is in stays, and it may ` +
          `come again; see to what the reason names`,
      );
    });
    this.#servers.push(server);
    return where;
  }
}

/** The address alone: a client's port says nothing, and connections have numbers. */
function peerOf(socket: Socket, address: ListenAddress): string {
  if (address.kind === 'unix') return 'unix';
  return socket.remoteAddress?.replace(/^::ffff:/, '') ?? 'gone';
}
