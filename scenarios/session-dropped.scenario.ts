import { anotherBecomesActive } from '../lab/run/expectations.ts';
import { letInAgain } from '../lab/run/facts.ts';
import { scenario } from '../lab/run/scenario.ts';

// A reservation belongs to one session, and sessions end: a switch restarts, a target fails over. The rightful owner
// logs in again, and all that is left of its former self is a key that nobody answers for. It takes the unit back from
// that by the same rule that it took it by, and nobody else comes into it.
//
//   server-1  ████ active ██ session ends · logs in, preempts its former self, resets ██ active ████████
//   server-2  .... standby ...........................................................................
//
// Eventually: the same server, under the same epoch, let in on another connection. Never: a takeover.
scenario(
  import.meta.url,
  'an active server whose data session is dropped comes back as the rightful owner, without a takeover',
  { servers: 3, storages: ['tgt'] },
  async (lab) => {
    const active = await lab.activeServer();
    await lab.client.appending(20);
    const granted = lab.lastGrant();
    lab.never(anotherBecomesActive(active));
    const dropped = await lab.fault('drop-session', active);
    await lab.becomes(letInAgain(granted, await dropped.effective));
    await dropped.heal();
    await lab.client.appending(20);
  },
);
