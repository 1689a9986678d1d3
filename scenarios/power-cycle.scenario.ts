import { contended, oneLetInPerEpoch } from '../lab/run/facts.ts';
import { scenario } from '../lab/run/scenario.ts';

// Three servers lose their power together and are back together, over an area whose owner is dead. So that they really
// contend, the first claim is slow: it waits at the gate until somebody else has decided to claim too, and lands on top.
//
//   server-1  ████ active ██ ✗ ⏻ ..|<-- D -->| claims, held at the gate ······ lands
//   server-2  ....           ✗ ⏻ ...|<-- D -->| claims as well
//   server-3  ....           ✗ ⏻ ....|<-- D -->|        whoever's claim stands after S ████ active ████
//
// Eventually: one server serves. Never: two servers let in under one epoch.
scenario(
  import.meta.url,
  'servers that are power-cycled together contend, and exactly one wins',
  { servers: 3 },
  async (lab) => {
    await lab.activeServer();
    await lab.client.appending(20);
    const killed = await Promise.all(lab.servers.map((server) => lab.fault('kill', server)));
    const offT = Math.max(...(await Promise.all(killed.map((fault) => fault.effective))));
    const firstClaim = await lab.arm('hold-any-write', 'storage');
    await Promise.all(killed.map((fault) => fault.heal()));
    await firstClaim.effective;
    await lab.becomes(contended(offT));
    await firstClaim.heal();
    await lab.activeServer();
    await lab.client.appending(20);
    lab.holds(oneLetInPerEpoch(offT));
  },
);
