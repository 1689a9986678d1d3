import { anotherBecomesActive, deathWaits, released } from '../lab/run/expectations.ts';
import { scenario } from '../lab/run/scenario.ts';

// R8: a hand-over to a server that shows no life is refused. Forced, it costs D: for so long the others hold back, and
// whoever let go goes last.
//
//   server-1  ████ active ███ handover --to server-2 --force ............ standby
//   server-2  .... ✗ killed
//   server-3  .... standby ...|<-- D -->| claim, settle ████ active ████
scenario(
  import.meta.url,
  'a hand-over to a dead server is refused, and forced it is another one that follows after D',
  { servers: 3, breaks: 1 },
  async (lab) => {
    const old = await lab.activeServer();
    await lab.client.appending(20);
    await lab.seenAlive(old);
    const dead = await lab.standby();
    const third = lab.servers.find((server) => server !== old && server !== dead)!;
    const killed = await lab.fault('kill', dead);
    // Its slot has moved a moment ago.
    await lab.pass(deathWaits(1));
    lab.never(anotherBecomesActive(third));
    await lab.orders.handOverToDead({ from: old, to: dead });
    await lab.eventually(released(old));
    await lab.takeover({ from: old });
    await lab.client.appending(20);
    await killed.heal();
  },
);
