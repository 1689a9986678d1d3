import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureStateDirectory, GrantFile } from './grant-store.ts';

const grant = { node: 'server-1', epoch: 4611, incarnation: '0123abcd' };

describe('the last grant, kept', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'arbiter-grant-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('is none before the first', async () => {
    assert.equal(await new GrantFile(dir).load(), null);
  });

  it('is what was kept last', async () => {
    const store = new GrantFile(dir);
    await store.save({ ...grant, epoch: 1 });
    await store.save(grant);
    assert.deepEqual(await new GrantFile(dir).load(), grant);
    assert.deepEqual(readdirSync(dir), ['grant.json']);
    const text = '{"v":1,"granted":"data@server-1.4611.0123abcd"}\n';
    assert.equal(readFileSync(join(dir, 'grant.json'), 'utf8'), text);
  });

  it('is the old one when the new one was not finished', async () => {
    const store = new GrantFile(dir);
    await store.save(grant);
    writeFileSync(join(dir, 'grant.json.new'), '{"v":1,"gra');
    assert.deepEqual(await new GrantFile(dir).load(), grant);
    await store.save({ ...grant, epoch: 4612 });
    assert.equal((await store.load())?.epoch, 4612);
  });

  for (const text of [
    '',
    '{}',
    'null',
    '[]',
    '{"v":2,"granted":"data@a.1.00000000"}',
    '{"v":1,"granted":"quorum"}',
  ]) {
    it(`${JSON.stringify(text)} is not taken for none`, async () => {
      writeFileSync(join(dir, 'grant.json'), text);
      await assert.rejects(new GrantFile(dir).load(), {
        name: 'StorageUnusable',
        message: /cannot be read, so nothing/,
      });
    });
  }

  it('what cannot be kept is an error', async () => {
    mkdirSync(join(dir, 'grant.json.new'));
    await assert.rejects(new GrantFile(dir).save(grant), { code: 'EISDIR' });
  });

  it('its directory is made where there is none', async () => {
    const made = join(dir, 'a/b');
    await ensureStateDirectory(made);
    await ensureStateDirectory(made);
    chmodSync(made, 0o700);
    await new GrantFile(made).save(grant);
  });
});
