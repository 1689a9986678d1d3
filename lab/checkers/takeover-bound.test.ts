import assert from 'node:assert/strict';
import { goodTakeover } from './testing/good-takeover.ts';
import { ns } from './testing/names.ts';
import type { TakeoverSince } from '../history/events.ts';
import { Story } from './testing/story.ts';
import { hit, takenOver } from './testing/taken-over.ts';
import { failoverTimes } from './takeovers.ts';
import { takeoverBound } from './takeover-bound.ts';

const headline = (story: Story) => {
  const { verdict, evidence } = takeoverBound(story.history());
  return [verdict, evidence[0]];
};

describe('takeover-bound', () => {
  it('is valid within D + T + 1.12 S + six round trips + drain + q + start, and says the sum', () => {
    assert.deepEqual(headline(goodTakeover()), [
      'valid',
      'server-2 (epoch 3) served 2775 ms after server-1 was hit at +5.050 s; bound 3130 ms = D 2000 ms + T 400 ms + ' +
        '1.12 S 448 ms + 6 round trips 10.5 ms + drain 1.00 ms + q 250 ms + start of the service 20.0 ms',
    ]);
  });

  it('is violated past it, and says by how much', () => {
    assert.equal(headline(takenOver(8.129))[0], 'valid');
    const [verdict, evidence] = headline(takenOver(8.2));
    assert.equal(verdict, 'violated');
    assert.match(
      evidence!,
      /served 3200 ms after server-1 was hit at \+5\.000 s, 70\.5 ms too late; bound 3130 ms = D /,
    );
  });

  it('leaves out D after a release', () => {
    assert.equal(headline(takenOver(6.12, true))[0], 'valid');
    assert.match(
      headline(takenOver(6.2, true))[1]!,
      /after server-1 had released at .*, 70\.5 ms too late; bound 1130 ms = T /,
    );
  });

  it('is unknown past the bound when the host stalled meanwhile for more than T/2', () => {
    const stalled = takenOver(8.2).lab(7, { event: 'stall', gapMs: 201 });
    const [verdict, evidence] = headline(stalled);
    assert.equal(verdict, 'unknown');
    assert.match(evidence!, /; but host stalled for 201 ms until \+7\.000 s, more than T\/2$/);
    assert.equal(headline(takenOver(8.2).lab(7, { event: 'stall', gapMs: 200 }))[0], 'violated');
    assert.equal(headline(takenOver(8.2).lab(4.9, { event: 'stall', gapMs: 900 }))[0], 'violated');
  });

  it('is unknown past the bound when an agent was not run meanwhile for more than T/2, and no fault had stopped it', () => {
    const late = (at: number, lateMs: number, server = 'server-2') =>
      takenOver(8.2).journal(at, server, { event: 'late', dueAt: ns(at - lateMs / 1000), lateMs });
    const [verdict, evidence] = headline(late(7, 201));
    assert.equal(verdict, 'unknown');
    assert.match(
      evidence!,
      /; but the agent of server-2 was not run for 201 ms until \+7\.000 s, more than T\/2$/,
    );
    assert.equal(headline(late(7, 200))[0], 'violated');
    assert.equal(headline(late(4.9, 900))[0], 'violated');
    assert.equal(headline(late(9.3, 900))[0], 'violated');
    const stopped = (from: number, to: number) =>
      late(7, 900)
        .fault(from, 8, 'pause', 'server-2', 'requested')
        .fault(to, 8, 'pause', 'server-2', 'healed');
    assert.equal(headline(stopped(6, 6.9))[0], 'violated');
    assert.equal(headline(stopped(6.4, 6.9))[0], 'unknown', "400 ms of it were nobody's doing");
  });

  it('is unknown past the bound when a request of the new owner failed meanwhile', () => {
    const blind = { event: 'blind', healed: false, reason: 'no answer within 250 ms', failures: 1 } as const;
    assert.match(
      headline(takenOver(8.2).journal(6, 'server-2', blind))[1]!,
      /; but server-2 could not read the quorum area: no answer within 250 ms$/,
    );
    assert.equal(headline(takenOver(8.2).journal(6, 'server-1', blind))[0], 'violated');
  });

  it('is unknown past the bound when a heartbeat of the new owner took longer than S', () => {
    const story = takenOver(8.2).lease(7, 'server-2', 3, 0.401);
    for (let i = 0; i < 200; i += 1) story.lease(3 + i / 100, 'server-1', 2);
    const [verdict, evidence] = headline(story);
    const excuse = evidence!.split('; but ')[1];
    assert.deepEqual([verdict, excuse], ['unknown', 'a heartbeat of server-2 took 401 ms, more than S']);
  });

  it('is unknown past the bound when two standbys collided and the claim of one came too late', () => {
    const late = { rule: 'R3', reason: 'acknowledged 90 ms later than S after the decision' };
    const left = (at: number, how: { rule: string; reason: string }) =>
      takenOver(8.2, false, ['server-1', 'server-2', 'server-3'])
        .claims(6.9, 'server-3', 5)
        .journal(at, 'server-3', { event: 'claim-abandoned', epoch: 5, ...how });
    assert.deepEqual(
      [headline(left(7.4, late))[0], headline(left(7.4, late))[1]!.split('; but ')[1]],
      ['unknown', `server-3 left its claim of epoch 5 (R3): ${late.reason}`],
    );
    const beaten = { rule: 'R4', reason: "the record is claimant's server-2 of epoch 3, count 7" };
    assert.equal(headline(left(7.4, beaten))[0], 'violated', 'whoever beat it owes the promise');
    assert.equal(headline(left(8.3, late))[0], 'violated', 'after the takeover');
    const failed = { rule: 'R4', reason: 'a read failed: no answer within 250 ms' };
    assert.equal(headline(left(7.4, failed))[0], 'unknown');
  });

  it('is unknown past the bound when the new owner was no standby yet', () => {
    const ready = {
      event: 'role',
      from: 'starting',
      to: 'standby',
      epoch: 0,
      rule: 'R0',
      reason: '',
    } as const;
    const excuse = headline(takenOver(8.2).journal(5.5, 'server-2', ready))[1]!.split('; but ')[1];
    assert.equal(excuse, 'server-2 was starting until +5.500 s, and no standby yet (R0)');
    assert.equal(headline(takenOver(8.2).journal(4.9, 'server-2', ready))[0], 'violated', 'before the fault');
    assert.equal(headline(takenOver(8.2).journal(5.5, 'server-1', ready))[0], 'violated', 'another server');
  });

  it('takes no excuse from before the fault or after the takeover', () => {
    const blind = { event: 'blind', healed: false, reason: 'no answer', failures: 1 } as const;
    const saw = { ...blind, healed: true };
    const over = takenOver(8.2).journal(4.8, 'server-2', blind).journal(4.9, 'server-2', saw);
    assert.equal(headline(over)[0], 'violated');
    assert.equal(headline(takenOver(8.2).journal(8.3, 'server-2', blind))[0], 'violated');
    assert.equal(headline(takenOver(8.2).journal(8, 'server-2', { ...blind, healed: true }))[0], 'violated');
  });

  it('is unknown past the bound when the new owner was blind from before the fault on', () => {
    const blind = { event: 'blind', healed: false, reason: 'no answer', failures: 1 } as const;
    const over = takenOver(8.2).journal(4.9, 'server-2', blind);
    assert.match(headline(over)[1]!, /; but server-2 could not read the quorum area: no answer$/);
    assert.equal(headline(over.journal(5.5, 'server-2', { ...blind, healed: true }))[0], 'unknown');
    assert.equal(headline(takenOver(8.2).journal(4.9, 'server-1', blind))[0], 'violated', 'another server');
  });

  it('adds the drain and the start of the service under this very epoch', () => {
    const drained = (epoch: number, drainMs: number) =>
      ({ event: 'drained', epoch, connectionsEnded: 1, writesAwaited: 1, drainMs }) as const;
    const story = takenOver(8)
      .audit(3, drained(2, 7))
      .audit(7.9, drained(3, 50))
      .service(5.5, 'server-2', 9, 'starting');
    story.service(7, 'server-2', 9, 'started').service(7.99, 'server-2', 3, 'starting');
    story.service(9, 'server-2', 3, 'starting').service(9.5, 'server-2', 12, 'started');
    assert.match(headline(story)[1]!, /drain 50\.0 ms \+ q 250 ms \+ start of the service 10\.0 ms$/);
  });

  it('counts the six requests of this very takeover, and none of them for more than q', () => {
    const decided = (at: number) => headline(takenOver(8).claims(at, 'server-2', 3))[1]!;
    assert.match(decided(7.3), /6 round trips 22[56] ms/, 'the claim took 219 ms');
    assert.match(decided(7), /6 round trips 25[67] ms/, 'the claim took 519 ms');
  });

  it('takes the heartbeat in the middle of those that nothing held up where a journal does not tell of them', () => {
    const slowed = (at: number, tookS: number) => {
      const story = new Story().active(3, 'server-1', 2, 5).takeover(5, 8, 'server-1', 'server-2', 3);
      story.fault(4.9, 1, 'kill', 'server-1', 'requested').fault(5, 1, 'kill', 'server-1', 'effective');
      for (let i = 0; i < 60; i += 1) story.lease(at + i / 100, 'server-1', 2, tookS);
      return Math.round(failoverTimes(story.history())[0]!.boundMs!);
    };
    assert.equal(slowed(3, 0.01), 3098 + 30);
    assert.equal(slowed(5.5, 0.3), 3098 + 12, 'while the fault was in force');
    assert.equal(slowed(3, 0.6), 3098 + 1500, 'no request may take longer than q');
  });

  it('is unknown when nobody who was there bears the lab out', () => {
    const doubts: [Story, RegExp][] = [
      [
        hit(8).takeover(5.5, 8, 'server-1', 'server-2', 3),
        /nothing that hit server-1 took effect at \+5\.500 s/,
      ],
      [
        new Story().takeover(5, 8, 'server-1', 'server-2', 3),
        /nothing that hit server-1 took effect at \+5\.000 s/,
      ],
      [
        takenOver(8).recordShows(7.9, 'server-2', 2),
        /the record names server-2 as the owner before epoch 3, and not server-1/,
      ],
      [
        hit(8).takeover(5, 7, 'server-1', 'server-2', 3),
        /tells of no service under epoch 3 that had started at \+7\.000 s/,
      ],
      [hit(8).takeover(5, 8, 'server-1', 'server-2', 4), /as the owner before epoch 4/],
      [
        hit(8, false).takeover(5, 8, 'server-1', 'server-2', 3),
        /the storage node did not grant epoch 3 to server-2 before/,
      ],
    ];
    for (const [story, why] of doubts) {
      assert.equal(headline(story)[0], 'unknown');
      assert.match(headline(story)[1]!, why);
    }
  });

  // prettier-ignore
  const kinds: [since: TakeoverSince, skipsDeathWait: boolean, said: RegExp][] = [
    ['release', true,  /^server-2 \(epoch 3\) served 2000 ms after server-1 had released at \+5\.000 s, .* bound \S+ ms = T /],
    // A hand-over to a server that is dead: the others hold back for D.
    ['release', false, /^server-2 \(epoch 3\) served 2000 ms after server-1 had released at \+5\.000 s; bound \S+ ms = D 2000 ms \+ T /],
    ['resume',  true,  /^server-2 \(epoch 3\) served 2000 ms after the pause over the dead server-1 was lifted at \+5\.000 s, .* bound \S+ ms = T /],
  ];
  for (const [since, skipsDeathWait, said] of kinds) {
    it(`counts from the ${since}, ${skipsDeathWait ? 'without' : 'with'} D`, () => {
      const story = hit(7);
      story.lab(5.001, { event: 'takeover-awaited', from: 'server-1', skipsDeathWait, sinceT: ns(5), since });
      const what = { from: 'server-1', to: 'server-2', epoch: 3, sinceT: ns(5), servingT: ns(7) };
      story.lab(7.001, { event: 'takeover-seen', ...what });
      const [verdict, sentence] = headline(story);
      assert.equal(verdict, skipsDeathWait ? 'violated' : 'valid');
      assert.match(sentence!, said);
    });
  }

  it('does not count the time for which a fault had ended the storage node', () => {
    const story = (to: number) => {
      const at = takenOver(8.2).fault(5.5, 9, 'storage-kill', 'storage', 'requested');
      at.fault(5.501, 9, 'storage-kill', 'storage', 'effective');
      return headline(at.fault(to, 9, 'storage-kill', 'storage', 'healed'));
    };
    assert.equal(story(5.505)[0], 'violated');
    assert.deepEqual(story(6.1)[0], 'valid');
    assert.match(story(6.1)[1]!, /, for 600 ms of which the storage node was down; bound /);
  });

  it('after a release asks, too, what kept the new owner from seeing the former one alive before that (R8)', () => {
    const late = (since: 'release' | 'fault', stalledAt: number) => {
      const skipsDeathWait = since === 'release';
      const story = hit(9).lab(stalledAt, { event: 'stall', gapMs: 700 });
      story.lab(5.001, { event: 'takeover-awaited', from: 'server-1', skipsDeathWait, sinceT: ns(5), since });
      const what = { from: 'server-1', to: 'server-2', epoch: 3, sinceT: ns(5), servingT: ns(9) };
      return headline(story.lab(9.001, { event: 'takeover-seen', ...what }))[0];
    };
    assert.equal(late('release', 4), 'unknown');
    assert.equal(late('release', 3), 'violated', 'more than 0.85 D before');
    assert.equal(late('fault', 4), 'violated', 'D is waited for then');
  });

  it('is violated by a takeover that never came, unless the host stalled or a standby could not read', () => {
    const missed = () => {
      const story = new Story().lab(5, {
        event: 'takeover-awaited',
        from: 'server-1',
        skipsDeathWait: false,
        sinceT: ns(5),
      });
      return story.lab(25, { event: 'takeover-missed', from: 'server-1', sinceT: ns(5), waitedMs: 20_000 });
    };
    assert.deepEqual(headline(missed()), [
      'violated',
      'nobody took over from server-1 within 20000 ms after server-1 was hit at +5.000 s',
    ]);
    assert.equal(headline(missed().lab(20, { event: 'stall', gapMs: 500 }))[0], 'unknown');
    const blind = { event: 'blind', healed: false, reason: 'read timed out', failures: 1 } as const;
    assert.deepEqual(headline(missed().journal(6, 'server-2', blind)), [
      'unknown',
      'nobody took over from server-1 within 20000 ms after server-1 was hit at +5.000 s; ' +
        'but server-2 could not read the quorum area: read timed out',
    ]);
    assert.equal(
      headline(missed().journal(6, 'server-1', blind))[0],
      'violated',
      'it is the one that was hit',
    );
  });

  it('is unknown when the run ended before, when no heartbeat was measured, and when nothing was awaited', () => {
    const awaited = {
      event: 'takeover-awaited',
      from: 'server-1',
      skipsDeathWait: false,
      sinceT: ns(5),
    } as const;
    assert.deepEqual(headline(new Story().lab(5, awaited)), [
      'unknown',
      'the run ended while a takeover from server-1 was awaited',
    ]);
    assert.match(
      takeoverBound(new Story().takeover(5, 6, 'server-1', 'server-2', 3).history()).evidence.join(),
      /no heartbeat was measured/,
    );
    assert.deepEqual(headline(new Story()), ['unknown', 'nothing was checked: no takeover was awaited']);
  });
});
