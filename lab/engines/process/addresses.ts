import { createServer, type Server } from 'node:net';

/** The loopback addresses of one lab: storage at .2, the client at .3, servers from .11 on. */
export interface LabAddresses extends AsyncDisposable {
  storage: string;
  server(index: number): string;
}

export const NBD_PORT = 10809;
export const SERVICE_PORT = 7000;
const BLOCKS = 200 * 250;
const ATTEMPTS = 200;

/**
 * Takes a /24 out of 127/8 that no other lab has: .1 is bound until the addresses are given back, so of two labs that
 * start at once, in one process or in two, one looks further. Blocks where .2 is in use are somebody else's.
 */
export async function takeAddresses(seed: number): Promise<LabAddresses> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const n = (seed * 31 + attempt * 7919 + process.pid) % BLOCKS;
    const block = `127.${32 + Math.floor(n / 250)}.${1 + (n % 250)}`;
    const claim = await bind(`${block}.1`);
    if (claim === undefined) continue;
    const storage = await bind(`${block}.2`);
    if (storage === undefined) {
      await close(claim);
      continue;
    }
    await close(storage);
    return {
      storage: `${block}.2`,
      server: (index) => `${block}.${11 + index}`,
      [Symbol.asyncDispose]: () => close(claim),
    };
  }
  throw new Error(
    `no free loopback addresses: ${ATTEMPTS} blocks of 127/8 were tried and each has a port ${NBD_PORT} in use`,
  );
}

function bind(host: string): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => resolve(undefined));
    server.listen(NBD_PORT, host, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
