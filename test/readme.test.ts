import assert from 'node:assert/strict';
import { execa } from 'execa';
import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAgentConfig } from '../src/config/load.ts';
import { root } from './lab-program.ts';

describe('the documentation', function () {
  this.timeout(240_000);

  for (const [document, least] of [
    ['README.md', 3],
    ['docs/storage.md', 2],
  ] as const) {
    it(`has in ${document} only commands that work: every sh block of it, in order, in one shell`, async () => {
      await runBlocks(document, least);
    });
  }

  it("has agents' files that are right", async () => {
    const text = await readFile(join(root, 'docs/storage.md'), 'utf8');
    const files = [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, file]) => file!);
    assert.ok(files.length >= 4, `only ${files.length} files were found`);
    for (const file of files) assert.doesNotThrow(() => parseAgentConfig(file, 'agent.yaml'), file);
  });

  it('names every scenario there is, and none that is not', async () => {
    const text = await readFile(join(root, 'README.md'), 'utf8');
    const named = [...text.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name!).sort();
    const files = await readdir(join(root, 'scenarios'));
    assert.deepEqual(named, files.map((file) => file.replace('.scenario.ts', '')).sort());
  });

  it('names files that exist', async () => {
    for (const document of ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'docs/storage.md']) {
      const text = await readFile(join(root, document), 'utf8');
      const paths = [...text.matchAll(/`((?:src|lab|test|images|scenarios)\/[\w./-]+)`/g)].map(
        ([, path]) => path!,
      );
      for (const path of paths)
        await assert.doesNotReject(access(join(root, path)), `${document} names ${path}`);
    }
  });
});

async function runBlocks(document: string, least: number): Promise<void> {
  const text = await readFile(join(root, document), 'utf8');
  assert.doesNotMatch(text, /@@/, 'a place that was to be filled');
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block);
  assert.ok(blocks.length >= least, `only ${blocks.length} sh blocks were found`);
  const folder = await mkdtemp(join(tmpdir(), 'readme-'));
  try {
    // What the blocks put into the background ends with the shell: the last agent by its release, the gate by its id.
    const script = ['set -e', "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT", ...blocks].join('\n');
    const ran = await execa('bash', ['-c', script], {
      reject: false,
      all: true,
      cwd: folder,
      stdin: 'ignore',
      timeout: 230_000,
      env: {
        PATH: `${join(root, 'bin')}:${process.env['PATH']}`,
        LAB_RUNS: join(folder, 'lab-runs'),
        XDG_RUNTIME_DIR: folder,
      },
    });
    assert.equal(ran.exitCode, 0, ran.all);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
