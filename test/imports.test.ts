import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Who may import whom. This table is the architecture: a folder sees what stands beside it and nothing else, and a
 * permission that nobody uses is as wrong as an import that nobody permitted. `types` permits `import type` alone.
 */
const permissions: Record<
  string,
  { any?: string[]; types?: string[]; builtins?: boolean; packages?: string[] }
> = {
  'src/protocol': {},
  'src/bytes': {},
  'src/area': { any: ['src/bytes'], types: ['src/protocol'] },
  'src/wire': { any: ['src/bytes'] },
  'src/ports': { types: ['src/protocol'] },
  'src/tls': { builtins: true },
  'src/block': { any: ['src/ports', 'src/tls', 'src/wire'], builtins: true },
  'src/fence': { any: ['src/block', 'src/ports', 'src/system', 'src/wire'], builtins: true },
  'src/system': { builtins: true },
  'src/host': { any: ['src/system'], types: ['src/ports'], builtins: true, packages: ['prom-client'] },
  'src/storage': {
    any: ['src/area', 'src/system', 'src/tls', 'src/wire'],
    types: ['src/ports', 'src/protocol'],
    builtins: true,
  },
  'src/agent': { any: ['src/protocol', 'src/area', 'src/ports'] },
  'src/config': { any: ['src/area', 'src/block', 'src/ports'], builtins: true, packages: ['zod', 'yaml'] },
  'src/doctor': {
    any: ['src/area', 'src/block', 'src/fence', 'src/ports', 'src/protocol', 'src/wire'],
    builtins: true,
  },
  'src/commands': {
    any: [
      'src/agent',
      'src/area',
      'src/block',
      'src/bytes',
      'src/config',
      'src/doctor',
      'src/fence',
      'src/host',
      'src/ports',
      'src/protocol',
      'src/storage',
    ],
    builtins: true,
    packages: ['commander'],
  },
  'lab/history': { types: ['src/ports', 'src/protocol'], builtins: true },
  'lab/checkers': {
    any: ['lab/history', 'lab/workload', 'src/area'],
    types: ['src/ports', 'src/protocol'],
    builtins: true,
  },
  'lab/workload': { any: ['src/bytes', 'src/wire', 'lab/history'], builtins: true },
  'lab/engines': {
    any: ['lab/control'],
    types: ['src/ports', 'src/protocol', 'lab/history'],
    builtins: true,
    packages: ['dockerode', 'execa', 'yaml'],
  },
  'lab/faults': { types: ['lab/engines', 'lab/run'] },
  'lab/run': {
    any: ['lab/checkers', 'lab/engines', 'lab/faults', 'lab/history', 'lab/report', 'src/protocol'],
    builtins: true,
    packages: ['mocha', 'p-limit'],
  },
  'lab/report': {
    any: ['lab/checkers', 'lab/history'],
    types: ['src/ports', 'lab/run'],
    builtins: true,
  },
  'lab/control': {
    any: [
      'lab/checkers',
      'lab/engines',
      'lab/faults',
      'lab/history',
      'lab/report',
      'lab/run',
      'lab/commands',
    ],
    builtins: true,
  },
  'lab/doctor': {
    any: ['lab/engines', 'lab/faults', 'lab/run'],
    builtins: true,
    packages: ['dockerode'],
  },
  'lab/commands': {
    any: [
      'lab/checkers',
      'lab/control',
      'lab/doctor',
      'lab/engines',
      'lab/faults',
      'lab/history',
      'lab/report',
      'lab/run',
    ],
    builtins: true,
    packages: ['commander'],
  },
  scenarios: { any: ['lab/run'] },
};

interface Import {
  file: string;
  from: string;
  to: string;
  typeOnly: boolean;
}

describe('the import rules', () => {
  const files = sources();
  const imports = files.flatMap(importsOf);
  const product = imports.filter((each) => !/\.test\.ts$|\/testing\/|\.fixture\.ts$/.test(each.file));

  it('are checked on files that were read', () => {
    assert.ok(files.length > 60, `only ${files.length} source files were found`);
    assert.ok(imports.length > 200, `only ${imports.length} imports were found`);
    for (const place of Object.keys(permissions)) {
      assert.ok(
        files.some((file) => placeOf(file) === place),
        `${place} has permissions and no file`,
      );
    }
  });

  it('hold for every import of the product', () => {
    const wrong = product
      .filter((each) => !permitted(each))
      .map((i) => `${i.file} imports ${i.typeOnly ? 'types of ' : ''}${i.to}`);
    assert.deepEqual(wrong, []);
  });

  it('have no permission that nobody uses', () => {
    const stale: string[] = [];
    for (const [place, rule] of Object.entries(permissions)) {
      const mine = product.filter((each) => each.from === place);
      for (const to of rule.any ?? [])
        if (!mine.some((i) => i.to === to && !i.typeOnly)) stale.push(`${place} -> ${to}`);
      for (const to of rule.types ?? [])
        if (!mine.some((i) => i.to === to)) stale.push(`${place} -> types of ${to}`);
      for (const to of rule.packages ?? [])
        if (!mine.some((i) => i.to === to)) stale.push(`${place} -> ${to}`);
      if (rule.builtins === true && !mine.some((i) => i.to === 'node:')) stale.push(`${place} -> node:`);
    }
    assert.deepEqual(stale, []);
  });

  it('never let src know the lab, not even in a test', () => {
    const wrong = imports.filter((each) => each.file.startsWith('src/') && each.to.startsWith('lab/'));
    assert.deepEqual(wrong, []);
  });
});

function permitted({ from, to, typeOnly }: Import): boolean {
  if (from === to || from === 'lab' || from === 'src') return true;
  if (to === 'lab') return from.startsWith('lab/');
  const rule = permissions[from];
  if (rule === undefined) return false;
  if (to === 'node:') return rule.builtins === true;
  if (rule.any?.includes(to) === true || rule.packages?.includes(to) === true) return true;
  return typeOnly && rule.types?.includes(to) === true;
}

function sources(): string[] {
  return ['src', 'lab', 'scenarios'].flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(top, file)),
  );
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const statement = /^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|import\('([^']+)'\)/gm;
  return [...text.matchAll(statement)].map(([whole, type, target, dynamic]) => {
    const named = /\{([^}]*)\}/
      .exec(whole)?.[1]
      ?.split(',')
      .filter((name) => name.trim() !== '');
    const everyNameIsAType = named !== undefined && named.every((name) => name.trim().startsWith('type '));
    const typeOnly = type !== undefined || (everyNameIsAType && !/^import\s+\w/.test(whole));
    return { file, from: placeOf(file), to: placeOf(target ?? dynamic!, file), typeOnly };
  });
}

/** `src/area` for anything in it, `node:` for what Node brings, the name for a package. */
function placeOf(target: string, importer?: string): string {
  if (target.startsWith('node:')) return 'node:';
  if (importer !== undefined && !target.startsWith('.'))
    return target
      .split('/')
      .slice(0, target.startsWith('@') ? 2 : 1)
      .join('/');
  const path = importer === undefined ? target : relative(root, join(root, dirname(importer), target));
  const [top = '', folder = ''] = path.split(sep);
  return top === 'scenarios' || folder.endsWith('.ts') ? top : `${top}/${folder}`;
}
