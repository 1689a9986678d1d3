import { anotherBecomesActive, deathWaits, saysItIsBlind } from '../lab/run/expectations.ts';
import { scenario } from '../lab/run/scenario.ts';

// A standby that sees nothing must not take silence for death: a read that fails does not count (R1).
//
//   server-1  ████ active ██████████████████████████████████████████████
//   server-2  .... standby ..╳ blind, says so ············ mended: standby
scenario(
  import.meta.url,
  'a standby that is cut from the storage does not take over, and says that it is blind',
  { servers: 3 },
  async (lab) => {
    const active = await lab.activeServer();
    const standby = await lab.standby();
    await lab.client.appending(20);
    lab.never(anotherBecomesActive(active));
    const cut = await lab.fault('cut-drop', standby);
    await lab.eventually(saysItIsBlind(standby));
    await lab.pass(deathWaits(2));
    await cut.heal();
    await lab.client.appending(10);
  },
);
