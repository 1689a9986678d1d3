import assert from 'node:assert/strict';
import { inNanoseconds } from './journal-entry.ts';

describe('a journal entry', () => {
  it('has its instants in whole nanoseconds, and nothing else changed', () => {
    assert.deepEqual(
      inNanoseconds({
        event: 'lease',
        epoch: 7,
        count: 3,
        startedAt: 1234.567891,
        writtenAt: 1240,
        endsAt: 5484.567891,
      }),
      {
        event: 'lease',
        epoch: 7,
        count: 3,
        startedAt: 1_234_567_891,
        writtenAt: 1_240_000_000,
        endsAt: 5_484_567_891,
      },
    );
  });

  it('keeps texts and numbers whose names end otherwise', () => {
    const entry = { event: 'service', phase: 'started', epoch: 7, reason: 'at 5', pid: 12 } as const;
    assert.deepEqual(inNanoseconds(entry), entry);
  });

  it('brings an instant back to the nanosecond next to it, for 104 days of uptime', () => {
    for (let days = 0; days <= 104; days++) {
      const ns = days * 86_400_000_000_000 + days * 1_234_567 + 1;
      const entry = { event: 'decided', rule: 'R1', epoch: 1, startedAt: ns / 1e6, reason: '' } as const;
      const { startedAt } = inNanoseconds(entry) as typeof entry;
      assert.ok(Math.abs(startedAt - ns) <= 1, `${startedAt} for ${ns}`);
    }
  });
});
