import { isLetIn } from '../lab/run/expectations.ts';
import { scenario } from '../lab/run/scenario.ts';

// A target that restarts forgets its reservations, and a unit without one is open to all. Meanwhile the owner is frozen:
// it will not take its reservation back, and may wake at any time. The storage node keeps the data area closed until
// somebody has reserved it by right, and the frozen server's name opens nothing, before its successor came or after.
//
//   target    ██████████████████ ✗ ⏻ closed ···········|reserved ██████████████████████████████████
//   server-1  ████ active ██ frozen ····· a write in its name: refused ··· thawed: refused ✗  standby
//   server-2  .... standby ......|<-- D -->| claim, settle ████ active ███████████████████████████
//
// Never: the frozen server let in again under its old epoch.
scenario(
  import.meta.url,
  'a target that restarts and forgets its reservations lets nobody in but the owner in the record',
  { servers: 3, breaks: 1, storages: ['tgt'], atLeast: { lateRefusals: 1 } },
  async (lab) => {
    const old = await lab.activeServer();
    await lab.client.appending(20);
    const granted = lab.lastGrant();
    const name = `data@${granted.node}.${granted.epoch}.${granted.incarnation}`;
    const standby = await lab.standby();
    const freeze = await lab.fault('pause', old);
    const restart = await lab.fault('storage-kill', 'storage');
    await restart.heal();
    lab.never(isLetIn(granted));
    await lab.trespass(standby, 'read', name);
    await lab.trespass(standby, 'write', name);
    await lab.takeover({ from: old });
    await lab.client.appending(10);
    await freeze.heal();
    await lab.trespass(old, 'read', name);
    await lab.trespass(old, 'write', name);
    await lab.client.appending(10);
  },
);
