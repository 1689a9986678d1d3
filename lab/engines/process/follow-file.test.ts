import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { followFile } from './follow-file.ts';

describe('a followed file', () => {
  let directory: string;
  beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'follow-'))));
  afterEach(() => rm(directory, { recursive: true }));

  it('delivers each line once, whole, in order, and a torn last line at the end', async () => {
    const path = join(directory, 'out');
    const lines: string[] = [];
    await writeFile(path, 'one\ntw');
    const follower = await followFile(path, (line) => lines.push(line));
    assert.deepEqual(lines, ['one']);
    await appendFile(path, 'o\nthrée\nfo');
    await follower.drain();
    assert.deepEqual(lines, ['one', 'two', 'thrée']);
    await follower.close();
    assert.deepEqual(lines, ['one', 'two', 'thrée', 'fo']);
  });

  it('does not glue the torn last line of one writer to the first line of the next', async () => {
    const path = join(directory, 'out');
    const lines: string[] = [];
    await writeFile(path, 'one\n{"event":"le');
    const follower = await followFile(path, (line) => lines.push(line));
    await follower.breakLine();
    await follower.breakLine(); // nothing is torn any more
    await appendFile(path, '{"event":"agent-started"}\n');
    await follower.close();
    assert.deepEqual(lines, ['one', '{"event":"le', '{"event":"agent-started"}']);
  });
});
