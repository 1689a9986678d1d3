import assert from 'node:assert/strict';
import { sample } from './measure.ts';

const never = new AbortController().signal;

describe('measuring', () => {
  it('makes one request of each kind at least, however short the time', async () => {
    const made: string[] = [];
    const kind = (name: string) => ({ bytes: 512, request: async () => void made.push(name) });
    const [reads, writes] = await sample([kind('read'), kind('write')], 0, never);
    assert.deepEqual(made, ['read', 'write']);
    assert.deepEqual([reads?.tookMs.length, writes?.tookMs.length], [1, 1]);
  });

  it('makes one request at a time', async () => {
    let underWay = 0;
    let most = 0;
    const request = async () => {
      most = Math.max(most, (underWay += 1));
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
    };
    await sample(
      Array.from({ length: 3 }, () => ({ bytes: 1, request })),
      20,
      never,
    );
    assert.equal(most, 1);
  });

  it('makes none after it was interrupted, not even of another kind', async () => {
    const abort = new AbortController();
    const made: string[] = [];
    const read = { bytes: 1, request: async () => (made.push('read'), abort.abort()) };
    const write = { bytes: 1, request: async () => void made.push('write') };
    await sample([read, write], 60_000, abort.signal);
    assert.deepEqual(made, ['read']);
  });

  it('ends after five failures, and tells each', async () => {
    const request = () => Promise.reject(new Error('no'));
    const [reads] = await sample([{ bytes: 1, request }], 60_000, never);
    assert.deepEqual(reads, { bytes: 1, tookMs: [], failures: ['no', 'no', 'no', 'no', 'no'] });
  });

  it('makes no further request of a kind that is to stop at its first failure, and goes on with the others', async () => {
    let reads = 0;
    const abort = new AbortController();
    const read = { bytes: 1, request: async () => void ((reads += 1) === 3 && abort.abort()) };
    const write = { bytes: 1, stopAtFailure: true, request: () => Promise.reject(new Error('no')) };
    const [, writes] = await sample([read, write], 60_000, abort.signal);
    assert.equal(reads, 3);
    assert.deepEqual(writes?.failures, ['no']);
  });
});
