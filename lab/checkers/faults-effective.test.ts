import assert from 'node:assert/strict';
import { faultsEffective } from './faults-effective.ts';
import { goodTakeover } from './testing/good-takeover.ts';
import { Story } from './testing/story.ts';

const headline = (story: Story) => {
  const { verdict, evidence } = faultsEffective(story.history());
  return [verdict, evidence[0]];
};
const requested = () => new Story().fault(2, 1, 'pause', 'server-1', 'requested');

describe('faults-effective', () => {
  it('is valid when each fault was seen to take effect and was healed, and says what was seen', () => {
    assert.deepEqual(headline(goodTakeover()), [
      'valid',
      'fault 1 (kill on server-1, asked for at +5.000 s): by hand',
    ]);
  });

  const effective = () => requested().fault(3, 1, 'pause', 'server-1', 'effective');

  it('asks of a server that it was seen at work again, or lost its power later', () => {
    const healed = () => effective().fault(4, 1, 'pause', 'server-1', 'healed');
    assert.equal(headline(healed().fault(5, 1, 'pause', 'server-1', 'recovered'))[0], 'valid');
    assert.deepEqual(faultsEffective(healed().history()).counters, { faults: 1 });
    assert.deepEqual(headline(healed().lab(9, { event: 'lab-ended' })), [
      'unknown',
      'fault 1 (pause on server-1, asked for at +2.000 s) was healed, and server-1 was never seen at work again',
    ]);
    const killed = (at: number, server: string) => {
      const story = effective().fault(at, 2, 'kill', server, 'requested');
      for (const phase of ['effective', 'healed', 'recovered'] as const)
        story.fault(at + 0.1, 2, 'kill', server, phase);
      return headline(story)[0];
    };
    assert.deepEqual(
      [killed(4, 'server-1'), killed(4, 'server-2'), killed(2.5, 'server-1')],
      [...['valid', 'unknown', 'unknown']],
    );
  });

  it('is unknown where a fault failed; unless a person who asked for it was told', () => {
    const failed = (name: string) => {
      const story = goodTakeover({ scenario: { name } });
      story.fault(7, 2, 'pause', 'server-1', 'requested');
      return faultsEffective(story.fault(7.1, 2, 'pause', 'server-1', 'failed', 'it is dead').history());
    };
    assert.equal(failed('story').verdict, 'unknown');
    const { verdict, evidence } = failed('by-hand');
    assert.equal(verdict, 'valid');
    assert.match(evidence.join('\n'), /failed: it is dead, as whoever asked for it was told/);
  });

  it('asks of the storage node that it was healed, and leaves its start to its own record', () => {
    const killed = new Story().fault(2, 1, 'storage-kill', 'storage', 'requested');
    killed.fault(3, 1, 'storage-kill', 'storage', 'effective');
    assert.equal(headline(killed)[0], 'unknown');
    assert.equal(headline(killed.fault(4, 1, 'storage-kill', 'storage', 'healed'))[0], 'valid');
  });

  it('takes the word of the gate that a held write was let through', () => {
    const held = () => {
      const story = new Story().fault(2, 1, 'hold-write', 'server-1', 'requested');
      story.fault(3, 1, 'hold-write', 'server-1', 'effective', 'rule 4 holds a write of server-1');
      return story.fault(5, 1, 'hold-write', 'server-1', 'healed');
    };
    const rule = (id: string, state: 'released' | 'removed') =>
      ({ event: 'rule', id, state, detail: '' }) as const;
    assert.equal(headline(held().audit(4.9, rule('4', 'released')))[0], 'valid');
    for (const other of [
      held(),
      held().audit(4.9, rule('3', 'released')),
      held().audit(4.9, rule('4', 'removed')),
    ])
      assert.equal(headline(other)[0], 'unknown');
  });

  it('is unknown when it was told without having been asked for', () => {
    const story = new Story().fault(3, 1, 'pause', 'server-1', 'effective');
    assert.match(headline(story.fault(4, 1, 'pause', 'server-1', 'recovered'))[1]!, /was never asked for/);
  });

  it('is unknown when a fault was never seen to take effect', () => {
    assert.deepEqual(headline(requested().lab(9, { event: 'lab-ended' })), [
      'unknown',
      'fault 1 (pause on server-1, asked for at +2.000 s) was never seen to take effect',
    ]);
  });

  it('is unknown when a fault failed, or its healing did', () => {
    const story = effective();
    assert.match(
      headline(story.fault(4, 1, 'pause', 'server-1', 'failed', 'no such process'))[1]!,
      /failed: no such process$/,
    );
  });

  it('is unknown when it was not healed, even though the run ended', () => {
    assert.match(headline(effective().lab(9, { event: 'lab-ended' }))[1]!, /was not healed$/);
  });

  it('is unknown when no fault was asked for', () => {
    assert.equal(headline(new Story())[0], 'unknown');
  });
});
