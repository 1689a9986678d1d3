import assert from 'node:assert/strict';
import { expectations } from './expectations.ts';
import { Story } from './testing/story.ts';

const headline = (story: Story) => {
  const { verdict, evidence } = expectations(story.history());
  return [verdict, evidence[0]];
};
const expected = (met: boolean, otherwise: 'violated' | 'unknown') =>
  new Story().lab(4, {
    event: 'expected',
    what: 'server-1 says that it is blind',
    met,
    otherwise,
    detail: 'by hand',
  });

describe('expectations', () => {
  it('are valid when met', () => {
    assert.deepEqual(headline(expected(true, 'violated')), [
      'valid',
      'server-1 says that it is blind (by hand, +4.000 s)',
    ]);
  });

  it('have the verdict that the scenario gave them when not met', () => {
    const sentence = 'not met: server-1 says that it is blind (by hand, +4.000 s)';
    assert.deepEqual(headline(expected(false, 'violated')), ['violated', sentence]);
    assert.deepEqual(headline(expected(false, 'unknown')), ['unknown', sentence]);
  });

  it('are unknown when not met and the host had stalled', () => {
    assert.equal(headline(expected(false, 'violated').lab(3, { event: 'stall', gapMs: 400 }))[0], 'unknown');
    assert.equal(headline(expected(false, 'violated').lab(5, { event: 'stall', gapMs: 400 }))[0], 'violated');
  });

  it('are violated by a program that ended unasked', () => {
    const ended = { event: 'process-ended', server: 'server-1', code: 1, signal: null } as const;
    assert.deepEqual(headline(new Story().lab(4, { ...ended, wanted: false })), [
      'violated',
      'server-1 ended at +4.000 s with exit code 1, and nobody had asked it to',
    ]);
    assert.equal(headline(expected(true, 'violated').lab(4, { ...ended, wanted: true }))[0], 'valid');
  });

  it('are violated by an agent that ended in failure, and not by one that ended well', () => {
    const ended = (exitCode: number) =>
      expected(true, 'violated').journal(5, 'server-2', { event: 'ended', exitCode, reason: 'R0: by hand' });
    assert.deepEqual(headline(ended(3)), [
      'violated',
      'the agent of server-2 ended at +5.000 s with exit code 3: R0: by hand',
    ]);
    assert.equal(headline(ended(0))[0], 'valid');
  });

  it('are unknown when there were none', () => {
    assert.equal(headline(new Story())[0], 'unknown');
  });
});
