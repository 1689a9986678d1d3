import { createServer } from 'node:net';

/** The loopback addresses of one lab: storage at .2, the client at .3, servers from .11 on. */
export interface LabAddresses {
  storage: string;
  server(index: number): string;
}

export const NBD_PORT = 10809;
export const SERVICE_PORT = 7000;

/**
 * Chooses a /24 out of 127/8 that no other lab uses. Binding the storage node's address is the proof, so two labs that
 * start at once cannot both have it; the port stays bound by the lab's own relay or gate from then on.
 */
export async function chooseAddresses(seed: number): Promise<LabAddresses> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const n = (seed * 31 + attempt * 7919 + process.pid) % (200 * 250);
    const block = `127.${32 + Math.floor(n / 250)}.${1 + (n % 250)}`;
    if (await canBind(`${block}.2`, NBD_PORT)) {
      return { storage: `${block}.2`, server: (index) => `${block}.${11 + index}` };
    }
  }
  throw new Error(
    'no free loopback addresses: 200 blocks of 127/8 were tried and each has a port 10809 in use',
  );
}

function canBind(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}
