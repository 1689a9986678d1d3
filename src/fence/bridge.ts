import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { listening } from '../system/listening.ts';
import { BridgeClient, type BridgeHost } from './bridge-client.ts';
import type { BridgedUnit } from './bridged-unit.ts';

/** Of requests and answers that all clients together may have under way. */
const MOST_BYTES_IN_FLIGHT = 64 * 1024 * 1024;
/** A service and its helpers; each may have sent part of one large request beside what is under way. */
const MOST_CLIENTS = 16;

/**
 * The data area for a service that does not speak SCSI: NBD on a Unix socket that nobody but this user can open, for as
 * long as access is granted. It repeats nothing, keeps nothing, and answers nothing on its own authority.
 */
export class Bridge {
  readonly #server: Server;
  readonly #clients = new Set<BridgeClient>();
  readonly #host: BridgeHost;
  #bytesInFlight = 0;

  /** Whoever calls has the directory of the socket to itself: what stands at its path is a former bridge's. */
  static async open(socketPath: string, exportName: string, unit: BridgedUnit): Promise<Bridge> {
    const bridge = new Bridge(exportName, unit);
    await rm(socketPath, { force: true });
    await listeningForOneself(bridge.#server, socketPath);
    return bridge;
  }

  private constructor(exportName: string, unit: BridgedUnit) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    this.#host = {
      exportName,
      unit,
      hasRoom: () => this.#bytesInFlight < MOST_BYTES_IN_FLIGHT,
      began: (bytes) => void (this.#bytesInFlight += bytes),
      settled: (bytes) => this.#settled(bytes),
      ended: (client) => void this.#clients.delete(client),
    };
  }

  /** Nobody gets in any more, and whoever is in gets no further request carried out. */
  close(): void {
    this.#server.close();
    for (const client of this.#clients) client.shutOut();
  }

  #accept(socket: Socket): void {
    if (!this.#server.listening || this.#clients.size >= MOST_CLIENTS) {
      socket.destroy();
      return;
    }
    this.#clients.add(new BridgeClient(socket, this.#host));
  }

  /** Whoever waited for room goes on. */
  #settled(bytes: number): void {
    this.#bytesInFlight -= bytes;
    for (const client of this.#clients) client.pump();
  }
}

/** The mask holds for the moment of binding, which is now: between two steps nobody else could connect. */
async function listeningForOneself(server: Server, path: string): Promise<void> {
  const mask = process.umask(0o177);
  try {
    const bound = listening(server, { path });
    process.umask(mask);
    await bound;
    await chmod(path, 0o600);
  } finally {
    process.umask(mask);
  }
}
