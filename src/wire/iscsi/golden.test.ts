import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { pieces } from '../nbd/fuzz.fixture.ts';
import { readConversation, Talk, written } from './golden.fixture.ts';
import type { InitiatorOptions } from './options.ts';

const account = { user: 'server-1', secret: 'the initiator knows this' };

const conversations: [file: string, options: Partial<InitiatorOptions>, firstStatus: number][] = [
  ['made-bursts', { initiatorAlias: 'quorum' }, 0],
  [
    'tgt-chap-digests',
    {
      headerDigest: 'prefer',
      dataDigest: 'prefer',
      chap: { ...account, target: { user: 'storage', secret: 'the target knows this' } },
    },
    2,
  ],
];

/** Has the initiator hear what the target said, in pieces of these lengths; what it sends has to be what it sent. */
function replay(file: string, options: Partial<InitiatorOptions>, lengths: readonly number[]): Talk {
  let unread = Buffer.alloc(0);
  const talk = new Talk(options, (bytes) => (unread = Buffer.concat([unread, bytes])));
  for (const { from, name, bytes } of readConversation(new URL(`golden/${file}.txt`, import.meta.url))) {
    if (from === '<') for (const piece of pieces(bytes, lengths)) talk.hear(piece);
    else {
      assert.equal(unread.subarray(0, bytes.length).toString('hex'), bytes.toString('hex'), name);
      unread = unread.subarray(bytes.length);
    }
  }
  assert.equal(unread.length, 0);
  return talk;
}

describe('an iSCSI initiator in a conversation that was written down', () => {
  for (const [file, options, firstStatus] of conversations) {
    it(`says ${file} byte for byte, and makes the same of it however it is cut`, () => {
      const whole = replay(file, options, [1 << 20]);
      assert.deepEqual(
        whole.outcomes.filter(({ kind }) => kind !== 'send').map(({ kind }) => kind),
        ['ready', 'answered', 'answered', 'answered', 'pong', 'managed', 'logged-out'],
      );
      const [ready, write, read] = whole.outcomes.filter(({ kind }) => kind === 'answered');
      assert.ok(ready?.kind === 'answered' && write?.kind === 'answered' && read?.kind === 'answered');
      assert.deepEqual([ready.status, write.status, read.status], [firstStatus, 0, 0]);
      assert.ok(Buffer.from(read.data).equals(written));
      assert.deepEqual(replay(file, options, [1]).outcomes.map(comparable), whole.outcomes.map(comparable));
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 8 }), (lengths) => {
          const { outcomes } = replay(file, options, lengths);
          assert.deepEqual(outcomes.map(comparable), whole.outcomes.map(comparable));
        }),
        { numRuns: 30 },
      );
    });
  }
});

/** Bytes as text, whatever kind of array they are in. */
function comparable(outcome: object): string {
  return JSON.stringify(outcome, (_, value: unknown) =>
    ArrayBuffer.isView(value) || (value as { type?: string } | null)?.type === 'Buffer'
      ? Buffer.from(value as Uint8Array).toString('hex')
      : value,
  );
}
