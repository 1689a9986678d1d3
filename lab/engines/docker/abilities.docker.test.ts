import assert from 'node:assert/strict';
import type Docker from 'dockerode';
import { tryAbilities } from './abilities.ts';
import { baseImageTag } from './base-image.ts';
import { dockerOrSkip } from './engine.fixture.ts';
import { labels } from './labels.ts';
import { ensureLabImage } from './lab-image.ts';
import { parseOwner } from '../owner.ts';

describe('the abilities of the Docker engine', function () {
  this.timeout(180_000);
  let docker: Docker;
  let image: string;
  before(async function () {
    docker = await dockerOrSkip(this);
    image = await ensureLabImage(docker, () => {});
  });
  afterEach(async () => {
    const filters = JSON.stringify({ label: [labels.lab] });
    const left = (await docker.listContainers({ all: true, filters })).filter(
      ({ Labels }) => parseOwner(Labels[labels.owner] ?? '')?.pid === process.pid,
    );
    assert.deepEqual(left, [], 'the trial left its container');
  });

  it('are all there, tried out on a container of the lab image', async () => {
    const abilities = await tryAbilities(docker, image);
    for (const [ability, { works, seen }] of Object.entries(abilities))
      assert.ok(works, `${ability}: ${seen}`);
    assert.match(abilities.drop.seen, /met silence; [1-9]\d* packets stopped/);
    assert.match(abilities.reset.seen, /met refused; [1-9]\d* packets stopped/);
    assert.match(abilities.freeze.seen, /seen frozen, and thawed/);
  });

  it('are missing one by one where the image lacks what they are made with, and say what', async () => {
    const { drop, reset, hold, slow, ...others } = await tryAbilities(docker, await baseImageTag());
    for (const { works, seen } of [drop, reset]) {
      assert.equal(works, false);
      assert.match(seen, /arbiter-lab\/link/);
    }
    assert.deepEqual(hold, {
      works: false,
      seen: 'the image has no /usr/local/lib/arbiter-lab/ask, or no nc',
    });
    assert.equal(slow.works, false);
    assert.match(slow.seen, /arbiter-lab\/brake/);
    for (const [ability, { works, seen }] of Object.entries(others)) assert.ok(works, `${ability}: ${seen}`);
  });

  it('are none where no container can be made, for the reason of the engine', async () => {
    const abilities = await tryAbilities(docker, 'arbiter-lab:there-is-none');
    for (const { works, seen } of Object.values(abilities)) {
      assert.equal(works, false);
      assert.match(seen, /cannot be created: No such image: arbiter-lab:there-is-none/i);
    }
  });
});
