import { anybodyElseIsLetIn, isPreempted } from '../lab/run/expectations.ts';
import { landedBetween } from '../lab/run/facts.ts';
import { scenario } from '../lab/run/scenario.ts';

// PREEMPT takes the reservation away from a former owner, and does not touch what that has in the target already: a
// target may write it whenever its disk gets to it. So the disk is made to wait, eight writes pile up in the target, and
// their owner is frozen and preempted. The new owner may not be let in before the last of them is through, however long
// that takes; the answer to its LOGICAL UNIT RESET is what says so.
//
//   target    ██ disk waits, 8 writes queued ································ disk goes on: 8 writes land
//   server-1  ████ active ██ frozen ·······································································
//   server-2  .... standby ......|<-- D -->| claim, settle, preempts, resets · waits ······|let in ████ active
scenario(
  import.meta.url,
  'of the writes that a preempted owner has queued in the target none lands after the new owner was let in',
  { servers: 3, breaks: 1, storages: ['tgt'] },
  async (lab) => {
    const old = await lab.activeServer();
    await lab.client.appending(20);
    const granted = lab.lastGrant();
    const slow = await lab.fault('slow-disk', 'storage');
    await lab.queueWrites(granted, 8);
    const freeze = await lab.fault('pause', old);
    const nobody = lab.never(anybodyElseIsLetIn(old));
    const preemptedT = await lab.eventually(isPreempted(granted));
    await lab.pass(300);
    nobody();
    await slow.heal();
    await lab.takeover({ from: old });
    lab.holds(landedBetween({ by: old, count: 8, fromT: preemptedT }));
    await lab.client.appending(20);
    await freeze.heal();
    await lab.client.appending(10);
  },
);
