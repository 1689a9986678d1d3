import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { labImageHash, productionPackages, stageLabImage } from './image-contents.ts';

describe('what goes into the lab image', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'image-test-'));
    await file('package.json', '{"dependencies":{"a":"1"},"devDependencies":{"tool":"1"}}');
    await file(
      'node_modules/a/package.json',
      '{"version":"1.0.0","dependencies":{"b":"2"},"optionalDependencies":{"gone":"1"}}',
    );
    await file('node_modules/a/node_modules/b/package.json', '{"version":"2.0.0"}');
    await file('node_modules/b/package.json', '{"version":"1.0.0"}');
    await file('node_modules/tool/package.json', '{"version":"1.0.0"}');
    await file('src/x.ts', 'export const x = 1;\n');
    await file('images/lab/Dockerfile', 'FROM x\n');
  });
  afterEach(() => rm(root, { recursive: true }));

  async function file(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }

  it('are the packages of production, each where Node would find it, and no others', async () => {
    const found = await productionPackages(root);
    assert.deepEqual(
      found.map(({ name, version, directory }) => [name, version, directory.slice(root.length)]),
      [
        ['a', '1.0.0', '/node_modules/a'],
        ['b', '2.0.0', '/node_modules/a/node_modules/b'],
      ],
    );
  });

  it('is an error when a package is missing, with what to do', async () => {
    await rm(join(root, 'node_modules/a'), { recursive: true });
    await assert.rejects(
      productionPackages(root),
      /package a is needed by .* and is not installed; run 'make setup'/,
    );
  });

  it('has a name that stays when nothing changed', async () => {
    assert.equal(await labImageHash('base', root), await labImageHash('base', root));
    assert.match(await labImageHash('base', root), /^[0-9a-f]{16}$/);
  });

  // prettier-ignore
  const changes: [string, string, boolean][] = [
    ['src/x.ts',                     'export const x = 2;\n', true],
    ['src/y.ts',                     'export const y = 1;\n', true],
    ['images/lab/Dockerfile',        'FROM y\n',              true],
    ['lab/workload/ledger.ts',       '',                      true],
    ['node_modules/a/package.json',  '{"version":"1.0.1"}',   true],
    ['src/x.test.ts',                'it();\n',               false],
    ['lab/engines/engine.ts',        '',                      false],
    ['README.md',                    'read me',               false],
  ];
  for (const [path, text, renames] of changes) {
    it(`${renames ? 'has another name' : 'keeps its name'} when ${path} changes`, async () => {
      const before = await labImageHash('base', root);
      await file(path, text);
      assert.equal((await labImageHash('base', root)) !== before, renames);
    });
  }

  it('has another name on another base', async () => {
    assert.notEqual(await labImageHash('base', root), await labImageHash('other', root));
  });

  it('is plain JavaScript with its packages, and nothing that only development needs', async function () {
    this.timeout(60_000);
    const staged = join(root, 'staged');
    await stageLabImage(staged);
    const files = await readdir(staged, { recursive: true });
    const has = (path: string) => assert.ok(files.includes(path), path);
    [
      'Dockerfile',
      'bin/link',
      'app/package.json',
      'app/src/area/area.js',
      'app/node_modules/zod/package.json',
    ].forEach(has);
    ['app/node_modules/bintrees/package.json', 'app/node_modules/tdigest/package.json'].forEach(has);
    assert.deepEqual(
      files.filter((path) => /\.(ts|test\.js)$|node_modules\/(mocha|typescript)\//.test(path)),
      [],
    );
  });
});
