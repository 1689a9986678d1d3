import { deathWaits, servesAbove } from '../lab/run/expectations.ts';
import { cameBackWith } from '../lab/run/facts.ts';
import { scenario } from '../lab/run/scenario.ts';

// The storage node itself dies and comes back, after every lease has ended. Nobody can tell from silence who lives; the
// record is there again, and whoever claims it has waited D with the storage there to be read.
//
//   storage   ██████████ ✗ killed ················ started again ██████████████████████
//   server-1  ████ active ██ lease ends, stopped ...............  somebody claims: active
//
// Eventually: a service under a higher epoch. Never: a gate that remembers less than it granted, or more.
scenario(
  import.meta.url,
  'a storage node that is killed and restarted comes back with its last grant, and one server serves again',
  { servers: 3 },
  async (lab) => {
    await lab.activeServer();
    await lab.client.appending(20);
    const granted = lab.lastGrant();
    const killed = await lab.fault('storage-kill', 'storage');
    const killedT = await killed.effective;
    await lab.pass(deathWaits(1.5));
    await killed.heal();
    lab.holds(cameBackWith(granted, killedT));
    await lab.eventually(servesAbove(granted.epoch));
    await lab.client.appending(20);
  },
);
