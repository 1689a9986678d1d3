import { writes, wroteUnderOldEpoch } from '../lab/run/expectations.ts';
import { scenario } from '../lab/run/scenario.ts';

// A canary: the method to the letter, and a claim that reaches the disk late. Both servers read "no owner"; the first
// writes, re-reads and wins; the other's write lands on top, its re-read matches too. Two active servers: a run in
// which the checkers do not find them proves that the checkers are blind.
//
//   server-1  reads none, claims, wins ████ active ████ (a heartbeat waits) ████
//   server-2  reads none, claim held at the gate ······ lands: wins too ████ active
scenario(
  import.meta.url,
  'canary: the literal method makes two owners when a contender is slow',
  {
    servers: 2,
    expect: 'violated',
    violatedBy: ['single-active', 'single-writer'],
    // Two owners overwrite each other's log, if they write to the same sector; and whose record it is by then is luck.
    mayViolate: ['acknowledged-kept', 'standbys-refused'],
    agent: { protocol: 'literal', fencing: 'none', guard: false },
    gate: { fencing: false },
    startsItself: true,
  },
  async (lab) => {
    const claim = await lab.arm('hold-write', 'server-2');
    await lab.start('server-2');
    await claim.effective;
    await lab.start('server-1');
    await lab.serving('server-1');
    await lab.client.appending(10);
    // A heartbeat that lands between the late claim and its re-read would save the method, by luck.
    const heartbeat = await lab.arm('hold-write', 'server-1');
    await heartbeat.effective;
    await claim.heal();
    await lab.serving('server-2');
    await heartbeat.heal();
    const second = await lab.eventually(writes('server-2'));
    await lab.eventually(wroteUnderOldEpoch({ by: 'server-1', afterT: second }));
  },
);
