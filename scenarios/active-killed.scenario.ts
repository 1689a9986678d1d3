import { scenario } from '../lab/run/scenario.ts';

// The plain case, and the one everything else is measured against: the active server loses its power.
//
//   server-1  ████ active ████ ✗ killed                      ........ standby
//   server-2  .... standby ....|<-- D -->| claim, settle ████ active ████████
//
// Eventually: another server serves, within promise (c). Never: a lost append, two owners, a write of the dead one.
scenario(
  import.meta.url,
  'when the active server is killed, a standby takes over and no acknowledged append is lost',
  { servers: 3, breaks: 1 },
  async (lab) => {
    const old = await lab.activeServer();
    await lab.client.appending(20);
    const killed = await lab.fault('kill', old);
    await lab.takeover({ from: old });
    await lab.client.appending(20);
    await killed.heal();
  },
);
