import { anotherBecomesActive, released } from '../lab/run/expectations.ts';
import { scenario } from '../lab/run/scenario.ts';

// R8: a hand-over releases the area for one server. It saw the owner alive, so it need not wait D, and the others hold
// back for one. The former owner stays.
//
//   server-1  ████ active ███ handover --to server-2 ........ standby
//   server-2  .... standby .... claim, settle ████ active ████████████
//   server-3  .... standby .... holds back ..........................
scenario(
  import.meta.url,
  'a hand-over lets the named server follow without waiting for a death, and nobody else',
  { servers: 3, breaks: 1 },
  async (lab) => {
    const old = await lab.activeServer();
    await lab.client.appending(20);
    await lab.seenAlive(old);
    const next = await lab.standby();
    lab.never(anotherBecomesActive(next));
    await lab.orders.handOver({ from: old, to: next });
    await lab.eventually(released(old));
    await lab.takeover({ from: old });
    await lab.client.appending(20);
  },
);
