import { anOwnerIsOverwritten } from '../lab/run/expectations.ts';
import { oneLetInPerEpoch } from '../lab/run/facts.ts';
import { scenario } from '../lab/run/scenario.ts';

// The active server's power fails for a moment: it is back at once, as a new incarnation that knows nothing. Its own
// name stands in the record, and that is nobody's lease any more: the record is observed like anybody's (R1), its own
// slot is watched (R0), and the standbys, who have watched for longer, take over undisturbed.
//
//   server-1  ████ active ██ ✗⏻ new incarnation: watches its slot and the record ...... standby
//   server-2  .... standby ..|<-- D -->| claim, settle ████ active ████████████████████████████
//
// Eventually: another server serves, within the bound. Never: an owner whose record was written over.
scenario(
  import.meta.url,
  'an active server that is power-cycled comes back as a standby and does not disturb the takeover',
  { servers: 3, breaks: 1 },
  async (lab) => {
    const old = await lab.activeServer();
    await lab.client.appending(20);
    const cycled = await lab.fault('restart', old);
    const cycledT = await cycled.effective;
    lab.never(anOwnerIsOverwritten());
    await lab.takeover({ from: old });
    await cycled.heal();
    await lab.client.appending(20);
    lab.holds(oneLetInPerEpoch(cycledT));
  },
);
