import assert from 'node:assert/strict';
import { within } from './deadline.ts';

const late = (): Error => new Error('late');

describe('a deadline', () => {
  it('changes nothing about what comes within it', async () => {
    assert.equal(await within(5000, Promise.resolve('done'), late), 'done');
    await assert.rejects(within(5000, Promise.reject(new Error('failed')), late), { message: 'failed' });
  });

  it('ends the wait for what does not, and what comes of it later is nobody\u2019s error', async () => {
    const { promise, reject } = Promise.withResolvers<never>();
    await assert.rejects(within(1, promise, late), { message: 'late' });
    reject(new Error('failed afterwards'));
    await new Promise(setImmediate);
  });

  it('that has passed already leaves a promise that is kept already its turn', async () => {
    assert.equal(await within(-1, Promise.resolve('done'), late), 'done');
  });
});
