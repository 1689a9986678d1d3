import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineFinding } from './docker.ts';

describe('what brings an engine', () => {
  const { PATH, DOCKER_HOST } = process.env;
  let bin: string;
  beforeEach(async () => {
    bin = await mkdtemp(join(tmpdir(), 'bring-test-'));
    process.env['PATH'] = bin;
    delete process.env['DOCKER_HOST'];
  });
  afterEach(async () => {
    process.env['PATH'] = PATH;
    if (DOCKER_HOST !== undefined) process.env['DOCKER_HOST'] = DOCKER_HOST;
    else delete process.env['DOCKER_HOST'];
    await rm(bin, { recursive: true });
  });
  const has = async (program: string) => {
    await writeFile(join(bin, program), '');
    await chmod(join(bin, program), 0o755);
  };
  const missing = async (code: string) =>
    (await engineFinding({ answers: false, why: 'it does not answer', code })).bring;
  const asRoot = process.getuid?.() === 0 ? '' : 'sudo ';

  it('is make engine, where there is an apt-get or a dockerd that it can start', async () => {
    assert.equal(await missing('ENOENT'), undefined);
    await has('apt-get');
    assert.equal(await missing('ENOENT'), `${asRoot}make engine`);
    await rm(join(bin, 'apt-get'));
    await has('dockerd');
    assert.equal(await missing('ECONNREFUSED'), `${asRoot}make engine`);
  });

  it('is membership of the group where permission is missing, and another DOCKER_HOST where that is set', async () => {
    await has('apt-get');
    assert.match((await missing('EACCES')) ?? '', /^sudo usermod -aG docker/);
    process.env['DOCKER_HOST'] = 'tcp://far:2375';
    assert.match((await missing('ECONNREFUSED')) ?? '', /^unset DOCKER_HOST/);
  });

  it('is nothing where one answers', async () => {
    const found = await engineFinding({ answers: true, version: '20.10' });
    assert.deepEqual(found, {
      thing: 'engine',
      state: 'ok',
      why: 'Docker 20.10 answers at /var/run/docker.sock',
    });
  });
});
