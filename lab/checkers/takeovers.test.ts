import assert from 'node:assert/strict';
import { goodTakeover } from './testing/good-takeover.ts';
import { takenOver } from './testing/taken-over.ts';
import { failoverTimes } from './takeovers.ts';

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
        boundMs: 3130,
      },
    );
  });

  it('are told apart where there were several: each from its own fault', () => {
    const story = goodTakeover()
      .active(15, 'server-1', 4, 20)
      .takeover(12, 15.025, 'server-2', 'server-1', 4, true);
    story.append(15.5, 'server-1', 4).takeover(20, 22, 'server-2', 'server-1', 6);
    const times = failoverTimes(story.history());
    assert.deepEqual(
      times.map((each) => each.faultToServingMs),
      [2775, 3025, 2000],
    );
    assert.deepEqual(
      times.map((each) => each.clientGapMs !== null && Math.round(each.clientGapMs)),
      [4000, 6500, false],
    );
    assert.ok(times[0]!.boundMs! - times[1]!.boundMs! > 1990, 'the second one had to do without D');
  });

  it('measure the gap between acknowledged appends, whatever came in between', () => {
    const story = goodTakeover().begins(5.5, 'u').ends(6, 'u', 'unknown').begins(7.7, 'v');
    story.acknowledges(8.1, 'v', 'server-2', 2, 99).acknowledges(8.2, 'w', 'server-1', 3, 98);
    assert.equal(Math.round(failoverTimes(story.history())[0]!.clientGapMs!), 320);
  });

  it('have no gap when nothing was acknowledged afterwards', () => {
    assert.equal(failoverTimes(takenOver(8).history())[0]!.clientGapMs, null);
    const before = takenOver(8).append(4, 'server-1', 2);
    assert.equal(failoverTimes(before.history())[0]!.clientGapMs, null);
    const after = takenOver(8).append(8.5, 'server-2', 3);
    assert.equal(failoverTimes(after.history())[0]!.clientGapMs, null, 'nor when nothing was before');
  });
});
