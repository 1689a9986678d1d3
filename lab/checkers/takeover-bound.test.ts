import assert from 'node:assert/strict';
import { goodTakeover } from './testing/good-takeover.ts';
import { ns } from './testing/names.ts';
import { Story } from './testing/story.ts';
import { failoverTimes } from './takeovers.ts';
import { takeoverBound } from './takeover-bound.ts';

/** server-2 takes over from server-1, which was hit at 5 s, and serves at `serving`; a heartbeat takes 4 ms. */
function takenOver(serving: number, skipsDeathWait = false): Story {
  const story = new Story().active(3, 'server-1', 2, 5).active(serving - 0.025, 'server-2', 3, serving + 3);
  return story.takeover(5, serving, 'server-1', 'server-2', 3, skipsDeathWait);
}
const headline = (story: Story) => {
  const { verdict, evidence } = takeoverBound(story.history());
  return [verdict, evidence[0]];
};

describe('takeover-bound', () => {
  it('is valid within D + T + 1.12 S + six round trips + drain + q + start, and says the sum', () => {
    assert.deepEqual(headline(goodTakeover()), [
      'valid',
      'server-2 (epoch 3) served 2775 ms after server-1 was hit at +5.050 s; bound 3131 ms = D 2000 ms + T 400 ms + ' +
        '1.12 S 448 ms + 6 round trips 12.0 ms + drain 1.00 ms + q 250 ms + start of the service 20.0 ms',
    ]);
  });

  it('is violated past it, and says by how much', () => {
    assert.equal(headline(takenOver(8.13))[0], 'valid');
    const [verdict, evidence] = headline(takenOver(8.2));
    assert.equal(verdict, 'violated');
    assert.match(
      evidence!,
      /served 3200 ms after server-1 was hit at \+5\.000 s, 70\.0 ms too late; bound 3130 ms = D /,
    );
  });

  it('leaves out D after a release', () => {
    assert.equal(headline(takenOver(6.12, true))[0], 'valid');
    assert.match(
      headline(takenOver(6.2, true))[1]!,
      /after server-1 had released at .*, 70\.0 ms too late; bound 1130 ms = T /,
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

  it('is unknown past the bound when a request of the new owner failed meanwhile', () => {
    const blind = { event: 'blind', healed: false, reason: 'no answer within 250 ms', failures: 1 } as const;
    assert.match(
      headline(takenOver(8.2).journal(6, 'server-2', blind))[1]!,
      /; but server-2 could not read the quorum area: no answer within 250 ms$/,
    );
    assert.equal(headline(takenOver(8.2).journal(6, 'server-1', blind))[0], 'violated');
  });

  it('takes the 99th percentile of the heartbeats for the round trip', () => {
    const story = new Story().active(3, 'server-1', 2, 5);
    for (let i = 0; i < 200; i += 1) story.lease(5 + i / 100, 'server-1', 2, i < 2 ? 0.3 : 0.01);
    story.active(8, 'server-2', 3, 9).takeover(5, 8, 'server-1', 'server-2', 3);
    assert.match(headline(story)[1]!, /6 round trips 30\.0 ms/);
  });

  it('is violated by a takeover that never came, unless the host stalled', () => {
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
      'nobody took over from server-1 within 20000 ms after +5.000 s',
    ]);
    assert.equal(headline(missed().lab(20, { event: 'stall', gapMs: 500 }))[0], 'unknown');
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
      headline(new Story().takeover(5, 6, 'server-1', 'server-2', 3))[1]!,
      /no heartbeat was measured/,
    );
    assert.deepEqual(headline(new Story()), ['unknown', 'nothing was checked: no takeover was awaited']);
  });
});

describe('the times of a failover', () => {
  it('are those from the fault to the service, and the gap that the client saw', () => {
    const [times] = failoverTimes(goodTakeover().history());
    assert.deepEqual(
      { ...times, boundMs: Math.round(times!.boundMs!), clientGapMs: Math.round(times!.clientGapMs!) },
      {
        from: 'server-1',
        to: 'server-2',
        epoch: 3,
        faultToServingMs: 2775,
        clientGapMs: 4000,
        boundMs: 3131,
      },
    );
  });

  it('have no gap when nothing was acknowledged afterwards', () => {
    assert.equal(failoverTimes(takenOver(8).history())[0]!.clientGapMs, null);
  });
});
