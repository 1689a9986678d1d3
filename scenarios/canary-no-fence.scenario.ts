import { wroteUnderOldEpoch } from '../lab/run/expectations.ts';
import { scenario } from '../lab/run/scenario.ts';

// A canary: the frozen active server again, with guard and gate switched off. It thaws while its agent is stuck, and its
// service writes on under its old epoch; a write that was on its way when it froze arrives last. Nothing refuses them, so
// the checkers have to find them.
scenario(
  import.meta.url,
  'canary: without guard and gate, a thawed active server writes under its old epoch',
  {
    servers: 3,
    breaks: 1,
    expect: 'violated',
    violatedBy: ['single-writer'],
    // A late write costs an acknowledged append, unless it hits a sector that nobody has written since.
    mayViolate: ['acknowledged-kept'],
    agent: { fencing: 'none', guard: false },
    gate: { fencing: false },
  },
  async (lab) => {
    const old = await lab.activeServer();
    await lab.client.appending(20);
    const write = await lab.fault('hold-data', old);
    const stuck = await lab.fault('stall', old, { parts: ['agent'] });
    const freeze = await lab.fault('pause', old);
    const next = await lab.takeover({ from: old });
    await lab.client.appending(10);
    await freeze.heal();
    await write.heal();
    await lab.eventually(wroteUnderOldEpoch({ by: old, afterT: next.t }));
    await stuck.heal();
  },
);
