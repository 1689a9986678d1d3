import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askMirror } from './base-image-ways.ts';

describe('the mirror that debootstrap would take', () => {
  const path = process.env['PATH'];
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ways-test-'));
    process.env['PATH'] = folder;
  });
  afterEach(async () => {
    process.env['PATH'] = path;
    await rm(folder, { recursive: true });
  });
  const wget = (script: string) => writeFile(join(folder, 'wget'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

  it('answers when it has the suite', async () => {
    await wget(`echo "$@" > ${folder}/asked`);
    const { works, seen } = await askMirror();
    assert.equal(works, true);
    const [, mirror] = /^(https?:\/\/\S+) answers$/.exec(seen) ?? [];
    const asked = await readFile(join(folder, 'asked'), 'utf8');
    assert.match(asked, /--spider /);
    assert.ok(asked.endsWith(` ${mirror?.replace(/\/$/, '')}/dists/bookworm/Release\n`), asked);
  });

  it('does not answer when the request fails', async () => {
    await wget('exit 4');
    const { works, seen } = await askMirror();
    assert.equal(works, false);
    assert.match(seen, /^https?:\/\/\S+ does not answer \(wget ended with 4\)$/);
  });

  it('was not asked where debootstrap could not ask it either', async () => {
    const { works, seen } = await askMirror();
    assert.equal(works, false);
    assert.match(seen, / was not asked: wget is missing$/);
  });
});
