import assert from 'node:assert/strict';
import type Docker from 'dockerode';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { LineWaiter } from '../bring-up.ts';
import { testLabId } from '../world-spec.fixture.ts';
import { dockerOrSkip, remains } from './engine.fixture.ts';
import { labels, labelsFor } from './labels.ts';
import { formatOwner, ownerOf } from '../owner.ts';
import { reap } from './reaper.ts';

describe('the reaper', function () {
  this.timeout(180_000);
  let docker: Docker;
  before(async function () {
    docker = await dockerOrSkip(this);
  });

  it('leaves nothing of a lab whose controller was killed without warning', async () => {
    const labId = testLabId('killed');
    const fixture = new URL('../world-spec.fixture.ts', import.meta.url).href;
    const engine = new URL('./engine.ts', import.meta.url).href;
    const code = `import { worldSpec } from '${fixture}'; import { dockerEngine } from '${engine}';
      const world = await dockerEngine.create(worldSpec('${labId}', '${tmpdir()}'));
      await world.startServer('server-1');
      console.log('up');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    assert.equal((await remains(docker, labId)).length, 9);
    child.kill('SIGKILL');
    const nothingLeft = async () => (await remains(docker, labId)).length === 0;
    await new LineWaiter(() => {}).until(nothingLeft, 60_000, 'the lab to be reaped');
  });

  it('takes the orphans and leaves the labs of the living', async () => {
    const mine = testLabId('living');
    const theirs = testLabId('orphan');
    const gone = formatOwner({ ...ownerOf(process.pid), started: '1' });
    await docker.createVolume({ Name: mine, Labels: labelsFor(mine, 'volume') });
    await docker.createVolume({
      Name: theirs,
      Labels: { ...labelsFor(theirs, 'volume'), [labels.owner]: gone },
    });
    await reap({ orphans: true }, docker);
    assert.deepEqual(await remains(docker, theirs), []);
    assert.deepEqual(await remains(docker, mine), [mine]);
    assert.deepEqual(await reap({ labId: mine }, docker), { containers: 0, networks: 0, volumes: 1 });
  });
});
