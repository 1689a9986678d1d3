import assert from 'node:assert/strict';
import { pauseHonoured } from './pause-honoured.ts';
import { connectionOf, ns } from './testing/names.ts';
import { Story } from './testing/story.ts';

describe('pause-honoured', () => {
  it('is valid when servers had a reason to claim and held back', () => {
    const story = orders(held(paused(), 8, 'server-2'), 20, 'resume', 'server-2');
    const { verdict, evidence } = pauseHonoured(claims(story, 20.5, 'server-2', 3).history());
    assert.deepEqual(
      [verdict, evidence[0]],
      ['valid', 'paused by server-1 from +5.000 s for 14900 ms: nobody claimed, and server-2 held back'],
    );
  });

  it('is violated by a claim that reached the disk meanwhile, whatever the journals say', () => {
    const { verdict, evidence, atT } = pauseHonoured(
      claims(held(paused(), 8, 'server-2'), 9, 'server-2', 3).history(),
    );
    assert.equal(verdict, 'violated');
    assert.equal(
      evidence[0],
      'server-2 claimed epoch 3 at +9.000 s; server-1 had paused the area at +5.000 s',
    );
    assert.equal(atT, ns(9));
  });

  it('lets a server claim that was named in a hand-over, and no other one', () => {
    const handed = () => orders(held(paused(), 8, 'server-2'), 9, 'handover', 'server-1', 'server-2');
    assert.equal(pauseHonoured(claims(handed(), 9.5, 'server-2', 3).history()).verdict, 'valid');
    assert.equal(pauseHonoured(claims(handed(), 9.5, 'server-1', 4).history()).verdict, 'violated');
    assert.equal(pauseHonoured(claims(handed(), 7, 'server-2', 3).history()).verdict, 'violated', 'before');
    const earlier = orders(held(paused(), 8, 'server-2'), 4.9, 'handover', 'server-1', 'server-2');
    assert.equal(pauseHonoured(claims(earlier, 9.5, 'server-2', 3).history()).verdict, 'violated', 'earlier');
  });

  it('minds neither heartbeats nor releases, nor claims that failed or came before', () => {
    const story = held(paused(), 8, 'server-2').recordShows(9, 'server-1', 2);
    writes(story, 10, 'server-1', { status: 0, node: '', epoch: 2 });
    writes(story, 11, 'server-2', { status: 0, node: 'server-2', epoch: 3 }, 'EIO');
    claims(story, 4, 'server-1', 2);
    assert.equal(pauseHonoured(story.history()).verdict, 'valid');
  });

  it('is unknown when nobody had a reason to claim, and when nothing was paused', () => {
    const untried = pauseHonoured(paused().history());
    assert.equal(untried.verdict, 'unknown');
    assert.match(untried.evidence[0]!, /no server had a reason to claim, so it was not put to the test$/);
    const refused = orders(new Story(), 5, 'pause', 'server-2', null, 1);
    assert.deepEqual(pauseHonoured(refused.history()).evidence, ['nothing was checked: nothing was paused']);
  });
});

function paused(): Story {
  return orders(new Story().active(3, 'server-1', 2, 6), 5, 'pause', 'server-1');
}

/** Answered at `at`, asked for a tenth of a second before. */
function orders(
  story: Story,
  at: number,
  order: 'handover' | 'pause' | 'resume',
  server: string,
  to: string | null = null,
  code = 0,
): Story {
  return story.lab(at, { event: 'order', order, server, to, requestedT: ns(at - 0.1), code, said: '' });
}

function held(story: Story, at: number, server: string): Story {
  const pause = { by: 'server-1', sinceWallMs: 1 };
  return story.journal(at, server, { event: 'takeover-held', rule: 'R1', epoch: 2, ...pause, reason: '' });
}

function claims(story: Story, at: number, node: string, epoch: number): Story {
  return writes(story, at, node, { status: 0, node, epoch });
}

function writes(
  story: Story,
  at: number,
  server: string,
  record: { status: number; node: string; epoch: number },
  outcome = 'ok',
): Story {
  const where = { ...connectionOf(server, record.epoch), offset: 512, length: 512 };
  return story.audit(at, {
    ...{ event: 'quorum-write', ...where, beganAt: ns(at), outcome },
    record: { ...record, count: 1 },
  });
}
