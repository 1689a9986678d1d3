import { released } from '../lab/run/expectations.ts';
import { scenario } from '../lab/run/scenario.ts';

// R8: a clean stop ends the service, then releases the area, and a standby that saw the owner alive need not wait D.
//
//   server-1  ████ active ███ stop, release
//   server-2  .... standby ........ claim, settle ████ active ████
scenario(
  import.meta.url,
  'when the active server is stopped cleanly, a standby takes over without waiting for its death',
  { servers: 3, breaks: 1 },
  async (lab) => {
    const old = await lab.activeServer();
    await lab.client.appending(20);
    await lab.seenAlive(old);
    const stopped = await lab.fault('stop', old);
    await lab.eventually(released(old));
    await lab.takeover({ from: old });
    await lab.client.appending(20);
    await stopped.heal();
  },
);
