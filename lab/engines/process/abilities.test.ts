import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { tryAbilities } from './abilities.ts';
import { marked } from './marked-processes.ts';

describe('the abilities of the process engine', () => {
  it('are all there on Linux, tried out, and leave no process and no folder', async () => {
    const mine = async () => [
      ...(await marked('doctor-')).filter(({ owner }) => owner?.pid === process.pid),
      ...(await readdir(tmpdir())).filter((name) => name.startsWith('arbiter-lab-p-')),
    ];
    const before = await mine();
    const abilities = await tryAbilities();
    for (const [ability, { works, seen }] of Object.entries(abilities)) {
      assert.equal(works, process.platform === 'linux', `${ability}: ${seen}`);
    }
    assert.equal(abilities.drop.seen, 'a new connection met silence');
    assert.equal(abilities.reset.seen, 'a new connection met reset');
    const added = (await mine()).filter((each) => typeof each === 'object' && !before.includes(each));
    assert.deepEqual(added, []);
  });
});
