import { serviceEndedInLease } from '../lab/run/facts.ts';
import { scenario } from '../lab/run/scenario.ts';

// The active server loses its path to the storage, without a word: no reset, no error, only silence. It has to stop its
// service by the end of its lease, before any standby may take over; what it had sent arrives when the link is mended.
//
//   server-1  ████ active ██╳ no answer ·· service stopped, lease ends ............ link mended: standby
//   server-2  .... standby ..|<------- D ------->| claim, settle ████ active █████████████████████
//
// Eventually: the service gone by the end of its lease, before anybody decides to claim, and another server that serves.
scenario(
  import.meta.url,
  'an active server that is cut from the storage stops, and a standby takes over',
  { servers: 3, breaks: 1 },
  async (lab) => {
    const old = await lab.activeServer();
    await lab.client.appending(20);
    const cut = await lab.fault('cut-drop', old);
    await lab.takeover({ from: old });
    lab.holds(serviceEndedInLease(old, await cut.effective));
    await lab.client.appending(20);
    await cut.heal();
    await lab.client.appending(10);
  },
);
