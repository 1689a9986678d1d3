import assert from 'node:assert/strict';
import type { AttemptResult, ServerAddress } from './attempt.ts';
import { carryOut, ServerChoice } from './operation.ts';

const servers: ServerAddress[] = [1, 2, 3].map((n) => ({ name: `server-${n}`, host: '127.0.0.1', port: n }));
const ok: AttemptResult = { kind: 'ok', seq: 7, epoch: 2 };
const none: AttemptResult = { kind: 'no-effect', final: false };
const full: AttemptResult = { kind: 'no-effect', final: true };
const unknown: AttemptResult = { kind: 'unknown' };
const acknowledged = (by: string, attempts: number) => ({
  outcome: 'ok',
  server: by,
  epoch: 2,
  seq: 7,
  attempts,
});
const ended = (outcome: string, attempts: number) => ({
  outcome,
  server: null,
  epoch: null,
  seq: null,
  attempts,
});

/** Runs one append whose attempts come to these results, each taking 10 ms, until 100 ms are over. */
async function append(...results: AttemptResult[]) {
  const asked: string[] = [];
  let now = 0;
  let rests = 0;
  const end = await carryOut('id', new ServerChoice(servers), {
    attempt: async ({ name }, id, timeoutMs) => {
      asked.push(`${id} to ${name} within ${timeoutMs}`);
      now += 10;
      return results[asked.length - 1] ?? none;
    },
    attemptTimeoutMs: 50,
    deadline: () => 100,
    now: () => now,
    rest: async () => void (rests += 1),
  });
  return { end, asked, rests };
}

describe('an append of the client', () => {
  // prettier-ignore
  const rows: [AttemptResult[], unknown, string][] = [
    [[ok],                            acknowledged('server-1', 1), 'acknowledged at once'],
    [[none, none, ok],                acknowledged('server-3', 3), 'the third server is the active one'],
    [[unknown, ok],                   acknowledged('server-2', 2), 'asked again under the same id, and acknowledged'],
    [[],                              ended('refused', 10),        'no attempt had an effect'],
    [[none, unknown],                 ended('unknown', 10),        'one attempt may have had one'],
    [[full],                          ended('refused', 1),         'a full log does not get better'],
    [[unknown, full],                 ended('unknown', 2),         'but an earlier attempt may have been done'],
  ];
  for (const [results, end, why] of rows) {
    it(`${(end as { outcome: string }).outcome}: ${why}`, async () =>
      assert.deepEqual((await append(...results)).end, end));
  }

  it('goes round the servers under the same id, and rests after each round', async () => {
    const { asked, rests } = await append(none, unknown, none, none, ok);
    assert.deepEqual(asked, [
      'id to server-1 within 50',
      'id to server-2 within 50',
      'id to server-3 within 50',
      'id to server-1 within 50',
      'id to server-2 within 50',
    ]);
    assert.equal(rests, 1);
  });

  it('waits for an answer no longer than its own time', async () => {
    const { asked } = await append();
    assert.deepEqual(asked.slice(-3), [
      'id to server-2 within 30',
      'id to server-3 within 20',
      'id to server-1 within 10',
    ]);
  });
});

describe('the choice of a server', () => {
  it('stays with the one that answered, and leaves one that failed once for all workers', () => {
    const choice = new ServerChoice(servers);
    const first = choice.current;
    choice.leave(first);
    choice.leave(first);
    assert.equal(choice.current.name, 'server-2');
  });
});
