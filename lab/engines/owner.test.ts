import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { formatOwner, isGone, type Owner, ownerOf, parseOwner } from './owner.ts';

const owner: Owner = { host: 'h', boot: 'b1', pidSpace: 'pid:[1]', pid: 7, started: '100' };
const seenNow = (changes: Partial<Owner>) => () => ({ ...owner, ...changes });

describe('the owner of a lab', () => {
  it('survives being written into a label', () => {
    assert.deepEqual(parseOwner(formatOwner(owner)), owner);
    assert.deepEqual(parseOwner(formatOwner(ownerOf(process.pid))), ownerOf(process.pid));
  });

  it('is not made up from a label that is not one', () => {
    for (const text of ['', 'h', 'h b p x 1', 'h b p 7', 'h b p 7 1 more'])
      assert.equal(parseOwner(text), undefined, text);
  });

  // prettier-ignore
  const cases: [Partial<Owner>, boolean, string][] = [
    [{},                              false, 'still there'],
    [{ started: '200' },              true,  'its process id is another process by now'],
    [{ started: '' },                 true,  'no such process'],
    [{ boot: 'b2' },                  true,  'the host was started anew'],
    [{ boot: 'b2', host: 'other' },   false, 'another host: nothing is known about it'],
    [{ pidSpace: 'pid:[2]', started: '' }, false, 'another process-id space: nothing is known about it'],
  ];
  for (const [changes, gone, why] of cases) {
    it(`is ${gone ? 'gone' : 'not gone'}: ${why}`, () => assert.equal(isGone(owner, seenNow(changes)), gone));
  }

  it('is gone once its process has ended', async () => {
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    const living = ownerOf(child.pid!);
    assert.equal(isGone(living), false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(isGone(living), true);
  });
});
