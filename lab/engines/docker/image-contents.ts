import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { projectRoot } from '../programs.ts';

/** What the lab image is compiled from; `stageLabImage` fails when the compiler finds its way to anything else. */
const SOURCES = ['src', 'lab/workload', 'lab/history'];
const IMAGE_FILES = ['images/lab', 'tsconfig.json', 'tsconfig.build.json', 'package.json'];

export interface Package {
  name: string;
  version: string;
  directory: string;
}

/**
 * A name for what would be in the image: equal names, equal images. Covers sources without their tests, the recipe, the
 * base, and production packages by name and version.
 */
export async function labImageHash(base: string, root = projectRoot): Promise<string> {
  const hash = createHash('sha256').update(base);
  for (const path of [...SOURCES, ...IMAGE_FILES]) {
    for (const file of await filesUnder(join(root, path))) {
      if (/\.(test|fixture)\.ts$|\/testing\//.test(file)) continue;
      hash.update(`\0${relative(root, file)}\0`).update(await readFile(file));
    }
  }
  for (const { name, version } of await productionPackages(root)) hash.update(`\0${name}@${version}`);
  return hash.digest('hex').slice(0, 16);
}

/** Lays out the build context: the Dockerfile, `bin/`, and `app/` with compiled code and production packages. */
export async function stageLabImage(directory: string, root = projectRoot): Promise<void> {
  await cp(join(root, 'images/lab'), directory, { recursive: true });
  const app = join(directory, 'app');
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const options = ['--project', join(root, 'tsconfig.build.json'), '--outDir', app];
  const compiled = await execa(process.execPath, [compiler, ...options], { reject: false, all: true });
  if (compiled.exitCode !== 0) throw new Error(`the code does not compile:\n${compiled.all}`);
  for (const file of await filesUnder(app)) {
    const path = relative(app, file);
    if (!SOURCES.some((source) => path.startsWith(`${source}/`))) {
      throw new Error(`${path} is compiled into the lab image but is not part of its hash; see SOURCES`);
    }
  }
  await cp(join(root, 'package.json'), join(app, 'package.json'));
  for (const { directory: from } of await productionPackages(root)) await copyPackage(root, from, app);
}

/** The packages that run in production, found as Node finds them, from package.json on. Sorted by place. */
export async function productionPackages(root = projectRoot): Promise<Package[]> {
  const found = new Map<string, Package>();
  const visit = async (from: string): Promise<void> => {
    const { dependencies = {}, optionalDependencies = {} } = await manifest(from);
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const directory = await resolvePackage(name, from, root);
      if (directory === undefined) {
        if (name in optionalDependencies) continue;
        throw new Error(`package ${name} is needed by ${from} and is not installed; run 'make setup'`);
      }
      if (found.has(directory)) continue;
      found.set(directory, { name, version: (await manifest(directory)).version ?? '', directory });
      await visit(directory);
    }
  };
  await visit(root);
  return [...found.values()].sort((a, b) => (a.directory < b.directory ? -1 : 1));
}

async function resolvePackage(name: string, from: string, root: string): Promise<string | undefined> {
  for (let directory = from; ; directory = dirname(directory)) {
    const candidate = join(directory, 'node_modules', name);
    if (
      await stat(candidate).then(
        () => true,
        () => false,
      )
    )
      return realpath(candidate);
    if (directory === root || directory === dirname(directory)) return undefined;
  }
}

interface Manifest {
  version?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

async function manifest(directory: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as Manifest;
}

/** Without type declarations, source maps and sources: nothing in the image reads them. */
async function copyPackage(root: string, from: string, app: string): Promise<void> {
  const to = join(app, relative(root, from));
  await mkdir(dirname(to), { recursive: true });
  const filter = (path: string) => {
    const inside = relative(from, path);
    return !/\.([cm]?ts|map|md)$/.test(inside) && !inside.split('/').some((part) => part === 'node_modules');
  };
  await cp(from, to, { recursive: true, filter });
}

async function filesUnder(path: string): Promise<string[]> {
  const entry = await stat(path).catch(() => undefined);
  if (entry === undefined) return [];
  if (entry.isFile()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name))
    .sort();
}
