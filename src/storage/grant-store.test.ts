import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureStateDirectory, GrantFile, type Kept } from './grant-store.ts';

const CLUSTER = 'c1'.repeat(16);
const grant = { node: 'server-1', epoch: 4611, incarnation: '0123abcd' };
const kept = { granted: grant, floor: 0, clusterId: CLUSTER };
const keptOf = (epoch: number): Kept => ({ ...kept, granted: { ...grant, epoch } });

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
    await store.save(keptOf(1));
    await store.save(kept);
    assert.deepEqual(await new GrantFile(dir).load(), kept);
    assert.deepEqual(readdirSync(dir), ['grant.json']);
    const text = `{"v":1,"granted":"data@server-1.4611.0123abcd","cluster":"${CLUSTER}"}\n`;
    assert.equal(readFileSync(join(dir, 'grant.json'), 'utf8'), text);
  });

  it('is that of an earlier version, which did not say of which cluster', async () => {
    writeFileSync(join(dir, 'grant.json'), '{"v":1,"granted":"data@server-1.4611.0123abcd"}\n');
    assert.deepEqual(await new GrantFile(dir).load(), { ...kept, clusterId: null });
  });

  it('where it was lost, is what may have been granted, in a form that an earlier version does not take for none', async () => {
    const lost = { granted: null, floor: 17, clusterId: CLUSTER };
    await new GrantFile(dir).save(lost);
    assert.deepEqual(await new GrantFile(dir).load(), lost);
    const text = `{"v":1,"granted":null,"floor":17,"cluster":"${CLUSTER}"}\n`;
    assert.equal(readFileSync(join(dir, 'grant.json'), 'utf8'), text);
  });

  it('is the old one when the new one was not finished', async () => {
    const store = new GrantFile(dir);
    await store.save(kept);
    writeFileSync(join(dir, 'grant.json.new'), '{"v":1,"gra');
    assert.deepEqual(await new GrantFile(dir).load(), kept);
    await store.save(keptOf(4612));
    assert.deepEqual(await store.load(), keptOf(4612));
  });

  for (const text of [
    '',
    '{}',
    'null',
    '[]',
    '{"v":2,"granted":"data@a.1.00000000"}',
    '{"v":1,"granted":"quorum"}',
    '{"v":1,"granted":"data@a.1.00000000","cluster":7}',
    '{"v":1,"granted":null}',
    '{"v":1,"granted":null,"floor":-1}',
    '{"v":1,"floor":5}',
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
    await assert.rejects(new GrantFile(dir).save(kept), { code: 'EISDIR' });
  });

  it('its directory is made where there is none', async () => {
    const made = join(dir, 'a/b');
    await ensureStateDirectory(made);
    await ensureStateDirectory(made);
    chmodSync(made, 0o700);
    await new GrantFile(made).save(kept);
  });
});
