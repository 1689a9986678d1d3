import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { pageScript } from './page-script.ts';

describe("the page's program", () => {
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'page-script-'))));
  afterEach(() => rm(dir, { recursive: true }));

  const joined = async (files: Record<string, string>) => {
    for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
    return pageScript(join(dir, 'main.ts'));
  };

  it('is its modules in the order of need, without types, imports and exports', async () => {
    const script = await joined({
      'main.ts':
        "import { two } from './two.ts';\nimport { type T, one } from './one.ts';\nexport const sum: T = one + two;\n",
      'two.ts':
        "import type { T } from './one.ts';\nimport { one } from './one.ts';\nexport const two: T = one + one;\n",
      'one.ts': 'export type T = number;\nexport const one: T = 1;\n',
    });
    assert.equal(runInNewContext(`${script}\nsum`), 3);
    assert.ok(script.indexOf('const one') < script.indexOf('const two'));
    assert.doesNotMatch(script, /\b(?:import|export|type T)\b/);
  });

  it('is none when two modules declare one name', async () => {
    const files = {
      'main.ts': "import { a } from './a.ts';\nfunction draw() {}\ndraw(); a();\n",
      'a.ts': 'function draw() {}\nexport function a() { draw(); }\n',
    };
    await assert.rejects(joined(files), /main\.ts and .*a\.ts both declare draw/);
  });

  it('is none when an import renames something or comes from a package', async () => {
    await assert.rejects(
      joined({ 'main.ts': "import { a as b } from './a.ts';\n" }),
      /cannot be put into one script/,
    );
    await assert.rejects(
      joined({ 'main.ts': "import { a } from 'left-pad';\n" }),
      /cannot be put into one script/,
    );
  });

  it('is none when it would end its own script element', async () => {
    await assert.rejects(
      joined({ 'main.ts': "const a = '</scr' + '</script>';\n" }),
      /would end its script element/,
    );
  });

  it('of the report can be put together', async () => {
    assert.match(await pageScript(), /new State\(sceneOf\(data\)\)/);
  });
});
