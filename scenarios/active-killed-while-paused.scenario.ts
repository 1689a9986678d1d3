import { anotherBecomesActive, deathWaits, holdsBack } from '../lab/run/expectations.ts';
import { scenario } from '../lab/run/scenario.ts';

// R10: while the area is paused nobody takes over by itself; whoever would says so. When the owner is dead, the pause is
// lifted at a standby, which takes over at once: D has long passed.
//
//   server-1  ████ active █ pause █ ✗ killed                               ........ standby
//   server-2  .... standby ..............|<-- D -->| holds back ... resume, claim ████ active
//   server-3  .... standby ..............|<-- D -->| holds back .............................
scenario(
  import.meta.url,
  'nobody takes over from a server that was killed while paused, until somebody resumes',
  { servers: 3, breaks: 1 },
  async (lab) => {
    const old = await lab.activeServer();
    await lab.client.appending(20);
    await lab.standby();
    await lab.orders.pause(old);
    const quiet = lab.never(anotherBecomesActive(old));
    const killed = await lab.fault('kill', old);
    const others = lab.servers.filter((server) => server !== old);
    for (const server of others) await lab.eventually(holdsBack(server));
    await lab.pass(deathWaits(2));
    quiet();
    await lab.orders.resume(others[0]!, { insteadOf: old });
    await lab.takeover({ from: old });
    await lab.client.appending(20);
    await killed.heal();
  },
);
