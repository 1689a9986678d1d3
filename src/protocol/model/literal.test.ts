import assert from 'node:assert/strict';
import { literalMachine, type MachineOf, safeMachine } from './machine.fixture.ts';
import type { Fault, Outcome, Plan } from './plan.fixture.ts';
import { calm } from './plans.fixture.ts';
import { on, onActive, strike } from './weakness.fixture.ts';
import { run } from './world.fixture.ts';

/** PROTOCOL.md part 1: what the method as published does not survive, and the rules do under the very same plan. */
describe('the method as published fails, where the rules hold, by', () => {
  it('a slow contender: its claim lands after another has won, and its re-read matches, too', () => {
    // Both find the area empty; the first to decide is held up between deciding and writing.
    const plan = failure([strike(on('decided', 1, 0, 0), 'subject', 'hesitate', 800)]);
    const { violations, takeovers } = run(plan(literalMachine));
    assert.match(violations[0] ?? '', /^\(a\) server-\d is active /);
    assert.deepEqual(new Set(takeovers.map(({ server }) => server)), new Set([0, 1]));
    assertSound(run(plan(safeMachine())));
  });

  it('a late heartbeat: the record of the new owner is overwritten by one who is dead', () => {
    const plan = failure([
      strike(onActive(1, 3000), 'subject', 'hold', 15_000),
      strike(onActive(1, 4500), 'subject', 'crash', 60_000),
    ]);
    const late = run(plan(literalMachine));
    const [dead, successor] = late.takeovers.map(({ server }) => `server-${server + 1}`);
    const resurrected = late.landed.findIndex(
      ({ record, at }) => record.node === dead && at > late.takeovers[1]!.at,
    );
    assert.ok(resurrected > 0, 'the late heartbeat landed after the takeover');
    assert.equal(late.landed[resurrected - 1]!.record.node, successor);
    // Nobody notices: an owner of the published method never looks at the record again.
    assert.deepEqual(eventsOf(late, 'overwrote'), []);

    const sound = run(plan(safeMachine()));
    assertSound(sound);
    assert.equal(eventsOf(sound, 'overwrote').length, 1, 'R5 sees it, and says so');
  });

  it('a paused owner: it goes on writing to the data area when it wakes', () => {
    const plan = failure([strike(onActive(1, 3000), 'subject', 'stall', 15_000)]);
    const { violations, takeovers } = run(plan(literalMachine));
    const [paused, successor] = takeovers.map(({ server }) => `server-${server + 1}`);
    const overtaken = `(b) a write of ${paused} changed the data after ${successor} was let in`;
    assert.ok(
      violations.some((violation) => violation.startsWith(overtaken)),
      violations[0],
    );

    const sound = run(plan(safeMachine()));
    assertSound(sound);
    assert.ok(sound.dataWrites.refused > 0, 'the storage node refused it');
  });
});

/** A calm world of two servers with these faults. */
function failure(faults: readonly Fault[]): (machine: MachineOf) => Plan {
  return (machine) => ({ ...calm(7, machine), servers: 2, faults, untilAt: 45_000, toTheEnd: true });
}

function assertSound({ violations, takeovers }: Outcome): void {
  assert.deepEqual(violations, []);
  assert.ok(takeovers.length > 0, 'somebody became active');
}

function eventsOf({ journal }: Outcome, event: string): unknown[] {
  return journal.filter(({ entry }) => entry.event === event);
}
