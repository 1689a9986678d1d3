import assert from 'node:assert/strict';
import { journalsWhole } from './journals-whole.ts';
import { goodTakeover } from './testing/good-takeover.ts';
import { ns } from './testing/names.ts';
import { Story } from './testing/story.ts';

const said = (story: Story) => {
  const { verdict, evidence } = journalsWhole(story.history());
  return [verdict, evidence[0]];
};
const failed = {
  event: 'heartbeat-failed',
  phase: 'write',
  outcome: 'unknown',
  reason: 'no answer',
} as const;

describe('journals-whole', () => {
  it('is valid when every write of the record is a lease or a claim that was decided, and nobody was silent', () => {
    assert.deepEqual(journalsWhole(goodTakeover().history()).evidence, [
      '20 writes of the record, and 18 leases that came of them',
      'no server was silent for more than 454 ms, unless it was hurt',
    ]);
  });

  it('names lines in the middle that are not there, unless the agent says that it had to drop them', () => {
    const without = (story: Story, ...gone: number[]) => {
      const history = story.history();
      const lines = history.journals.get('server-2')!.filter(({ t }) => !gone.includes(t));
      const journals = new Map([...history.journals, ['server-2', lines]]);
      const { verdict, evidence } = journalsWhole({ ...history, journals });
      return [verdict, evidence[0]!.replaceAll(/\d+/g, 'N')];
    };
    const warned = () => {
      const story = goodTakeover();
      for (const at of [9.11, 9.12, 9.5]) story.journal(at, 'server-2', { event: 'warning', text: '' });
      return story;
    };
    assert.equal(without(warned())[0], 'valid');
    assert.deepEqual(without(warned(), ns(9.11), ns(9.12), ns(9.5)), [
      'unknown',
      'of the journal of server-N lines N to N are missing, line N is missing',
    ]);
    const told = (lines: number) => warned().journal(9.6, 'server-2', { event: 'journal-dropped', lines });
    assert.equal(without(told(3), ns(9.11), ns(9.12), ns(9.5))[0], 'valid');
    assert.equal(without(told(2), ns(9.11), ns(9.12), ns(9.5))[0], 'unknown');
  });

  it('lets every incarnation number its own lines', () => {
    const { verdict } = journalsWhole(goodTakeover().agentStarts(10.9, 'server-1').history());
    assert.equal(verdict, 'valid');
  });

  describe('asks why an owner wrote the record and had no lease of it', () => {
    const written = (at: number, times = 1) => {
      const story = goodTakeover();
      for (let i = 0; i < times; i += 1) story.recordShows(at + i / 100, 'server-2', 3);
      return story;
    };

    it('and takes a heartbeat that failed, once', () => {
      const sentence =
        'server-2 wrote the record of epoch 3 1 times (count 9100) without a lease in its journal, which explains 0';
      assert.deepEqual(said(written(9.1)), ['unknown', sentence]);
      assert.equal(said(written(9.1).journal(9.2, 'server-2', { ...failed, epoch: 3 }))[0], 'valid');
      assert.equal(said(written(9.1, 2).journal(9.2, 'server-2', { ...failed, epoch: 3 }))[0], 'unknown');
      assert.equal(said(written(9.1).journal(9.2, 'server-2', { ...failed, epoch: 5 }))[0], 'unknown');
      const read = { ...failed, epoch: 3, phase: 'read' } as const;
      assert.equal(said(written(9.1).journal(9.2, 'server-2', read))[0], 'unknown');
    });

    it('and takes a claim that was abandoned, and a lease that ended meanwhile', () => {
      const abandoned = { event: 'claim-abandoned', rule: 'R4', epoch: 3, reason: 'too late' } as const;
      assert.equal(said(written(9.1).journal(9.2, 'server-2', abandoned))[0], 'valid');
      assert.equal(said(written(9.1).leaves(9.2, 'server-2', 3))[0], 'valid');
    });

    it('and takes the power cut that ended the journal, for one heartbeat and only the last', () => {
      const cut = (...at: number[]) => {
        const story = goodTakeover();
        for (const each of at) story.recordShows(each, 'server-1', 2);
        return said(story)[0];
      };
      assert.equal(cut(4.99), 'valid', 'under way when the power was cut');
      assert.equal(cut(4.98, 4.99), 'unknown');
      assert.equal(cut(6), 'valid', 'and landed late');
      assert.equal(cut(4.3), 'unknown', 'there is a later lease');
      const late = goodTakeover().recordShows(4.99, 'server-1', 2).lease(4.998, 'server-1', 2);
      assert.equal(said(late)[0], 'unknown', 'there is a later lease, told just before');
      assert.equal(cut(4.74), 'unknown', 'it would have been answered or given up by then');
      assert.equal(
        said(goodTakeover().recordShows(4.99, 'server-1', 2).leaves(4.995, 'server-1', 2))[0],
        'valid',
      );
      const left = goodTakeover().recordShows(4.98, 'server-1', 2).recordShows(4.99, 'server-1', 2);
      assert.equal(said(left.leaves(4.995, 'server-1', 2))[0], 'unknown', 'it was an owner no longer');
    });
  });

  it('misses a write of the record for a lease', () => {
    const story = goodTakeover().journal(9.1, 'server-2', {
      ...{ event: 'lease', epoch: 3, count: 7, startedAt: 0, writtenAt: 0, endsAt: 0 },
    });
    assert.match(
      said(story)[1]!,
      /^server-2 had a lease of epoch 3, count 7 at \+9\.100 s, and the storage node saw no such write$/,
    );
  });

  it('misses the decision of a claim, unless the power was cut over it', () => {
    const claimed = (at: number) => said(goodTakeover().writesRecord(at, 'server-1', 4, 0));
    assert.deepEqual(claimed(10.8), [
      'unknown',
      'server-1 claimed epoch 4 at +10.799 s, and its journal does not tell of a decision',
    ]);
    assert.equal(claimed(5.02)[0], 'valid');
    const late = goodTakeover().writesRecord(10.7, 'server-1', 4, 0).claims(10.8, 'server-1', 4);
    assert.equal(said(late)[0], 'unknown', 'decided after it was written');
  });

  it('misses the lease of whoever is let in, unless a fault had stopped the agent', () => {
    const letIn = () => goodTakeover().admits(9.9, 'server-1', 2);
    assert.deepEqual(said(letIn()), [
      'unknown',
      'data@server-1.2.12000000 was let in at +9.900 s, and the journal of server-1 has no lease of epoch 2 for then',
    ]);
    for (const [fault, verdict] of [
      ['stall', 'valid'],
      ['cut-drop', 'unknown'],
    ] as const) {
      const hurt = letIn().fault(9.5, 2, fault, 'server-1', 'requested');
      assert.equal(said(hurt.fault(10, 2, fault, 'server-1', 'healed'))[0], verdict);
    }
  });

  describe('asks why a server was silent for more than D', () => {
    /** server-2 alone; server-1 falls silent at 3 s, for as long as nothing more is told. */
    const silent = () => {
      const story = new Story().observes(0.4, 3, 'server-1').observes(0.4, 9, 'server-2');
      return story.finish(8.5, 'server-2', 3);
    };

    it('and says for how long, to the end of the client', () => {
      assert.deepEqual(said(silent()), [
        'unknown',
        'server-1 said nothing for 6200 ms from +2.800 s on, and was not hurt then',
      ]);
      assert.equal(said(silent().observes(4.7, 9, 'server-1'))[0], 'valid', '1900 ms');
      assert.equal(said(silent().observes(4.9, 9, 'server-1'))[0], 'unknown', '2100 ms');
    });

    it('and takes faults on it or on the storage node, for as long as they were in force', () => {
      const hurt = (target: string, until: number) => {
        const story = silent().fault(3.5, 1, 'cut-drop', target, 'requested');
        return said(story.fault(until, 1, 'cut-drop', target, 'healed'))[0];
      };
      assert.deepEqual(
        [hurt('server-1', 8), hurt('storage', 8), hurt('server-2', 8), hurt('server-1', 6)],
        [...['valid', 'valid', 'unknown', 'unknown']],
      );
    });

    it('and takes its end: told by itself, or by whoever cut its power', () => {
      assert.equal(
        said(silent().journal(3, 'server-1', { event: 'ended', exitCode: 0, reason: 'released' }))[0],
        'valid',
      );
      const killed = silent().fault(3.2, 1, 'kill', 'server-1', 'requested');
      assert.equal(said(killed.fault(3.3, 1, 'kill', 'server-1', 'effective'))[0], 'valid');
    });

    it('and asks nothing of the literal protocol', () => {
      const story = new Story({ protocol: 'literal' })
        .recordShows(3, 'server-1', 0)
        .observes(0.4, 1, 'server-1');
      story.journal(2, 'server-1', { event: 'decided', rule: 'literal', epoch: 0, startedAt: 0, reason: '' });
      assert.equal(said(story.finish(8, 'server-1', 0))[0], 'valid');
    });
  });

  it('is unknown when sources speak of different servers', () => {
    const stranger = goodTakeover().writesRecord(9, 'server-7', 4, 1);
    assert.equal(said(stranger)[1], "the storage node saw server-7, which is no server of the lab's");
    const asked = { event: 'client-started', workers: 1, servers: ['server-1'] } as const;
    const history = goodTakeover().history();
    const client = history.client.map((event) =>
      event.event === 'client-started' ? { ...event, ...asked } : event,
    );
    assert.match(
      journalsWhole({ ...history, client }).evidence[0]!,
      /^the client asked server-1, and the lab had server-1, server-2$/,
    );
    const { evidence } = journalsWhole({ ...history, journals: new Map([...history.journals].slice(1)) });
    assert.equal(evidence[0], 'server-1 has no journal');
  });
});
