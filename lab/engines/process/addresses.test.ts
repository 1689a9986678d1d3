import assert from 'node:assert/strict';
import { takeAddresses } from './addresses.ts';

describe('the addresses of a lab on processes', () => {
  it('are taken by one lab at a time, and free again when it gave them back', async () => {
    const taken = await Promise.all(Array.from({ length: 8 }, () => takeAddresses(1)));
    const storages = taken.map(({ storage }) => storage);
    assert.equal(new Set(storages).size, 8, storages.join(' '));
    for (const each of taken) await each[Symbol.asyncDispose]();
    await using again = await takeAddresses(1);
    assert.ok(storages.includes(again.storage), again.storage);
  });
});
