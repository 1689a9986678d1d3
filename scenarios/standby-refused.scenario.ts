import { scenario } from '../lab/run/scenario.ts';

// Claim 5 of the method: the standbys have no access to the data area at all. A program on a standby tries, on purpose:
// under a higher epoch of its own, under the name the owner has, and under none.
scenario(
  import.meta.url,
  'a standby that tries to read or to write the data area is refused by the storage node',
  { servers: 3, atLeast: { refusals: 6 } },
  async (lab) => {
    const active = await lab.serving(await lab.activeServer());
    const standby = await lab.standby();
    await lab.client.appending(20);
    const names = [
      `data@${standby}.${active.epoch + 3}.0badcafe`,
      `data@${active.server}.${active.epoch}.0badcafe`,
      'data',
    ];
    for (const name of names) {
      await lab.trespass(standby, 'read', name);
      await lab.trespass(standby, 'write', name);
    }
    await lab.client.appending(10);
  },
);
