import { serviceEndedInLease } from '../lab/run/facts.ts';
import { scenario } from '../lab/run/scenario.ts';

// The active server loses its path to the storage, and is told so at once: its connections are reset, new ones refused.
// That is no reason to stop earlier or later than in silence: the lease decides, and nothing can be renewed.
//
//   server-1  ████ active ██╳ reset, refused ·· service stopped, lease ends ....... link mended: standby
//   server-2  .... standby ..|<------- D ------->| claim, settle ████ active █████████████████████
//
// Eventually: the service gone by the end of its lease, before anybody decides to claim, and another server that serves.
scenario(
  import.meta.url,
  'an active server whose connections to the storage are reset stops, and a standby takes over',
  { servers: 3, breaks: 1 },
  async (lab) => {
    const old = await lab.activeServer();
    await lab.client.appending(20);
    const cut = await lab.fault('cut-reset', old);
    await lab.takeover({ from: old });
    lab.holds(serviceEndedInLease(old, await cut.effective));
    await lab.client.appending(20);
    await cut.heal();
    await lab.client.appending(10);
  },
);
