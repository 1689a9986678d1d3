import { scenario } from '../lab/run/scenario.ts';

// First contention, twice: three servers find an empty area, and later an area whose owner lost its power with them.
//
//   server-1  ...... ████ active ████ ✗ ⏻ ......
//   server-2  ......      ....        ✗ ⏻ ...... ████ whoever claims first ████
//   server-3  ......      ....        ✗ ⏻ ......
scenario(
  import.meta.url,
  'servers that are power-cycled together contend, and exactly one wins',
  { servers: 3 },
  async (lab) => {
    await lab.activeServer();
    await lab.client.appending(20);
    const killed = await Promise.all(lab.servers.map((server) => lab.fault('kill', server)));
    await Promise.all(killed.map((fault) => fault.heal()));
    await lab.activeServer();
    await lab.client.appending(20);
  },
);
