import { refusedWrite } from '../lab/run/expectations.ts';
import { scenario } from '../lab/run/scenario.ts';

// A paused owner wakes in the middle of its writing (a suspended virtual machine, a scheduler gone astray). To make it
// as bad as it gets, its agent and its guard stay stuck when it thaws: nothing on that server stops the service, and
// only the storage node is left to protect the data (R7). And one write was on its way when it froze, and arrives last.
//
//   server-1  ████ active █→ frozen ················ thawed: service writes, refused ✗  → ✗  agent, guard run: stopped
//   server-2  .... standby ......|<-- D -->| ████████ active ██████████████████████████████████████████████████
scenario(
  import.meta.url,
  'a frozen active server cannot write after it thaws',
  { servers: 3, breaks: 1, atLeast: { lateRefusals: 1 } },
  async (lab) => {
    const old = await lab.activeServer();
    await lab.client.appending(20);
    const write = await lab.fault('hold-data', old);
    const stuck = await lab.fault('stall', old, { parts: ['agent', 'guard'] });
    const freeze = await lab.fault('pause', old);
    const next = await lab.takeover({ from: old });
    await lab.client.appending(10);
    await freeze.heal();
    // Over iSCSI what a service writes goes through its agent, and a stuck one carries nothing.
    if (lab.storage !== 'tgt') await lab.eventually(refusedWrite({ by: old, afterEpoch: next.epoch }));
    await write.heal();
    await lab.eventually(refusedWrite({ by: old, afterEpoch: next.epoch }));
    await stuck.heal();
    await lab.client.appending(10);
  },
);
