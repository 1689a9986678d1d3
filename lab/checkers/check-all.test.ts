import assert from 'node:assert/strict';
import type { ScenarioRecord } from '../history/events.ts';
import { checkAll } from './check-all.ts';
import { explain } from './explain.ts';
import { historyWhole } from './history-whole.ts';
import { goodTakeover } from './testing/good-takeover.ts';
import { Story } from './testing/story.ts';

const verdicts = (story: Story) => {
  const { verdict, results } = checkAll(story.history());
  return [verdict, ...results.filter((result) => result.verdict !== verdict).map((result) => result.checker)];
};
const lateWrite = (scenario: Partial<ScenarioRecord> = {}) =>
  goodTakeover({ scenario: { atLeast: { takeovers: 1 }, ...scenario } }).writes(8.2, 'server-1', 2, {
    offset: 512,
  });

describe('the verdict of a scenario', () => {
  it('is valid when every checker says so', () => {
    assert.deepEqual(verdicts(goodTakeover()), ['valid']);
  });

  it('is unknown when one is: a fault without effect, a run that means nothing, a line that cannot be read', () => {
    const story = goodTakeover().fault(9, 2, 'pause', 'server-2', 'requested');
    assert.equal(verdicts(story)[0], 'unknown');
    assert.equal(verdicts(goodTakeover({ scenario: { atLeast: { takeovers: 9 } } }))[0], 'unknown');
    assert.equal(verdicts(goodTakeover().unreadable('client.jsonl:7 not JSON'))[0], 'unknown');
  });

  it('is violated when one is, whatever else is unknown', () => {
    const { verdict, results } = checkAll(lateWrite().unreadable('client.jsonl:7 not JSON').history());
    assert.equal(verdict, 'violated');
    assert.deepEqual(
      new Set(results.map((result) => result.verdict)),
      new Set(['valid', 'violated', 'unknown']),
    );
  });

  it('is unknown for an empty history, and no checker finds it valid', () => {
    const { results } = checkAll(new Story().history());
    assert.deepEqual([...new Set(results.map((result) => result.verdict))], ['unknown']);
  });

  it('makes no claim about what a scenario has nothing to do with', () => {
    const quiet = new Story().observes(0.4, 2.5, 'server-1').observes(0.4, 8.5, 'server-2');
    quiet.active(3, 'server-1', 2, 9, false).letIn(3.001, 'server-1', 2);
    quiet.append(4, 'server-1', 2).finish(8, 'server-1', 2);
    const { verdict, results } = checkAll(quiet.history());
    assert.equal(verdict, 'valid');
    const checkers = new Set(results.map((result) => result.checker));
    assert.ok(
      !checkers.has('takeover-bound') && !checkers.has('faults-effective') && !checkers.has('expectations'),
    );
  });

  it('asks for what the scenario expected where it expected something, and for programs that ended', () => {
    const asked = (story: Story) =>
      checkAll(story.history()).results.some((result) => result.checker === 'expectations');
    const ended = {
      event: 'process-ended',
      server: 'server-2',
      code: 1,
      signal: null,
      wanted: false,
    } as const;
    const expected = { event: 'expected', what: 'x', met: true, otherwise: 'violated', detail: '' } as const;
    assert.deepEqual(
      [asked(new Story()), asked(new Story().lab(1, ended)), asked(new Story().lab(1, expected))],
      [false, true, true],
    );
    assert.equal(asked(new Story().lab(1, { ...ended, wanted: true })), false);
  });

  it('misses the takeover that a scenario promised and never awaited', () => {
    const story = new Story({ scenario: { atLeast: { takeovers: 1 } } });
    assert.ok(checkAll(story.history()).results.some((result) => result.checker === 'takeover-bound'));
  });
});

describe('a canary', () => {
  const canary = { expected: 'violated', violatedBy: ['single-writer'] } as const;
  const judged = (story: Story) => {
    const { verdict, asExpected, differs } = checkAll(story.history());
    assert.equal(asExpected, differs.length === 0);
    return [verdict, ...differs];
  };

  it('is as expected when the checkers that have to find the violation found it, and nobody found more', () => {
    assert.deepEqual(judged(lateWrite(canary)), ['violated']);
  });

  it('is not when nobody found it, or somebody else did', () => {
    assert.deepEqual(judged(goodTakeover({ scenario: canary })), ['valid', 'not found by single-writer']);
    const other = lateWrite({ expected: 'violated', violatedBy: ['acknowledged-kept'] });
    assert.deepEqual(judged(other), [
      ...['violated', 'not found by acknowledged-kept', 'single-writer is violated too'],
    ]);
  });

  it('is not when more was found than it allows for', () => {
    const more = (mayViolate: string[]) => lateWrite({ ...canary, mayViolate }).admits(9.5, 'server-1', 2);
    assert.deepEqual(judged(more([])), [
      'violated',
      'standbys-refused is violated too',
      'journals-whole is unknown',
    ]);
    assert.deepEqual(judged(more(['standbys-refused'])), ['violated', 'journals-whole is unknown']);
    assert.deepEqual(judged(lateWrite({ ...canary, mayViolate: ['standbys-refused'] })), ['violated']);
  });

  it('is not when a server broke the claim that nothing had hurt', () => {
    const other = goodTakeover({ scenario: canary, servers: ['server-1', 'server-2', 'server-3'] });
    other.observes(0.4, 11.5, 'server-3').writes(9.5, 'server-3', 1, { offset: 5 * 512 });
    assert.ok(
      judged(other).includes('single-writer found it of server-3, and server-1 was hit'),
      judged(other).join('; '),
    );
  });

  it('is not when it broke off, or what was to hurt did not', () => {
    const missed = { event: 'expected', what: 'x', met: false, otherwise: 'unknown', detail: '' } as const;
    assert.deepEqual(judged(lateWrite(canary).lab(9, missed)), ['violated', 'expectations is unknown']);
    const failed = lateWrite(canary).fault(9, 1, 'kill', 'server-1', 'failed', 'no such process');
    assert.deepEqual(judged(failed), ['violated', 'faults-effective is unknown']);
  });

  it('has to name those who must find it', () => {
    assert.deepEqual(judged(lateWrite({ expected: 'violated' })), [
      ...['violated', 'violatedBy names no checker that has to find it', 'single-writer is violated too'],
    ]);
  });
});

describe('history-whole', () => {
  it('is unknown with lines that were dropped, an empty journal, or no end', () => {
    const whole = (story: Story) => [
      historyWhole(story.history()).verdict,
      historyWhole(story.history()).evidence[0],
    ];
    assert.equal(whole(goodTakeover())[0], 'valid');
    assert.deepEqual(whole(goodTakeover().journal(5, 'server-1', { event: 'journal-dropped', lines: 3 })), [
      'unknown',
      'server-1 could not write 3 lines of its journal',
    ]);
    assert.deepEqual(whole(new Story()), ['unknown', 'the client did not end properly: no client-stopped']);
    assert.deepEqual(whole(goodTakeover().unreadable('audit.jsonl cannot be read: ENOENT'))[0], 'unknown');
  });
});

describe('a verdict in words', () => {
  const told = (story: Story) => explain(story.history().scenario, checkAll(story.history()));

  it('begins with what was violated and all of its evidence, within 80 columns', () => {
    const text = told(lateWrite());
    assert.ok(
      text.split('\n').every((line) => line.length <= 80),
      text,
    );
    assert.equal(
      text.split('\n').slice(0, 9).join('\n'),
      [
        'story: violated, expected valid',
        '',
        'violated  single-writer: once a newer owner was let in, no write of an older one',
        '          changed the data area',
        '          - server-1 wrote under epoch 2 after data@server-2.3.23000000 had been',
        '            let in at +7.802 s: 1 write, the first of 512 bytes at 512 from',
        '            +8.199 s to +8.200 s (398 ms late), outcome ok',
        '',
        'valid     acknowledged-kept: 5 acknowledged appends and 0 of unknown outcome, in',
      ].join('\n'),
    );
  });

  it('ends with the takeovers and the gap that the client saw', () => {
    const lines = told(goodTakeover()).split('\n');
    assert.equal(lines[0], 'story: valid');
    assert.deepEqual(lines.slice(-2), [
      'takeover  from server-1 to server-2 (epoch 3) in 2775 ms; the client saw a gap',
      '          of 4000 ms',
    ]);
  });

  it('says of a canary that it has to be so, or who did not find it', () => {
    const canary = { expected: 'violated', violatedBy: ['single-writer'] } as const;
    assert.match(told(lateWrite(canary)), /^story: violated, as it has to be\n/);
    assert.match(
      told(goodTakeover({ scenario: canary })),
      /^story: valid, expected violated; not found by single-writer\n/,
    );
  });
});
