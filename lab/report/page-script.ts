import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const IMPORT = /^import (type )?[^;]*? from '([^']+)';$/gms;
const DECLARATION = /^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)/gm;
const here = dirname(fileURLToPath(import.meta.url));

/**
 * The page's program as one script: its modules, types stripped, one after the other, each after those it imports. They
 * share one scope, so a name stands for one thing in all of them. Rejects when two modules declare the same name, or
 * when an import renames something or comes from elsewhere.
 */
export async function pageScript(entry = join(here, 'page/main.ts')): Promise<string> {
  const modules = new Map<string, string>();
  await collect(entry, modules, new Set());
  const owners = new Map<string, string>();
  let script = '';
  for (const [file, source] of modules) {
    const name = relative(here, file);
    for (const [, declared] of source.matchAll(DECLARATION)) {
      const owner = owners.get(declared!);
      if (owner !== undefined)
        throw new Error(`${name} and ${owner} both declare ${declared}; the report's page is one script`);
      owners.set(declared!, name);
    }
    const types = source.replace(IMPORT, '').replace(/^export (?=[a-z])/gm, '');
    script += `// ${name}\n${stripTypeScriptTypes(types)
      .trim()
      .replace(/[ \t]+$/gm, '')
      .replace(/\n{3,}/g, '\n\n')}\n\n`;
  }
  // What ends a script element in HTML cannot stand in one.
  if (/<\/script|<!--/i.test(script))
    throw new Error("the report's page contains what would end its script element");
  return script;
}

/** Depth first, so that what a module needs stands before it. */
async function collect(file: string, modules: Map<string, string>, onTheWay: Set<string>): Promise<void> {
  if (modules.has(file) || onTheWay.has(file)) return;
  onTheWay.add(file);
  const source = await readFile(file, 'utf8');
  for (const [statement, type, target] of source.matchAll(IMPORT)) {
    if (type !== undefined) continue;
    if (!target!.startsWith('.') || / as /.test(statement))
      throw new Error(`${relative(here, file)}: ${statement} cannot be put into one script`);
    await collect(join(dirname(file), target!), modules, onTheWay);
  }
  modules.set(file, source);
}
