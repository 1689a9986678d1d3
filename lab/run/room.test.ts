import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whereRunsGo } from './room.ts';

describe('the folder of runs', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'room-test-'))));
  afterEach(() => rm(folder, { recursive: true }));

  it('is looked at where it is, or where it would be made, without making it', async () => {
    assert.equal(await whereRunsGo(folder), folder);
    assert.equal(await whereRunsGo(join(folder, 'not/yet')), folder);
    assert.equal(await whereRunsGo(folder), folder);
  });

  it('cannot be where something else is', async () => {
    await assert.rejects(whereRunsGo('/dev/null/runs'), { code: 'ENOTDIR' });
  });
});
