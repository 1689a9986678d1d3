import { readFileSync, statSync } from 'node:fs';
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { carriesSecret } from '../block/uri.ts';
import { type AgentConfig, ConfigurationError } from './agent-config.ts';
import { schemaProblems } from './problems.ts';
import { fencingFor } from './fencing.ts';
import { type Problem, relationProblems } from './relations.ts';
import { agentSchema } from './schema.ts';

/** The agent's configuration from the YAML file at `path`. Throws ConfigurationError with one line per problem. */
export function loadAgentConfig(path: string): AgentConfig {
  const config = parseAgentConfig(readText(path), path);
  if ([config.quorum, ...config.data].some(carriesSecret)) requirePrivate(path);
  return config;
}

/** As any file with a secret (tls/files.ts): refused when it is this user's and others may do anything with it. */
function requirePrivate(path: string): void {
  const { mode, uid } = statSync(path);
  if (uid !== process.getuid?.() || (mode & 0o077) === 0) return;
  const shown = (mode & 0o777).toString(8).padStart(4, '0');
  const rule = 'a secret stands in a URI, and others may use the file';
  throw new ConfigurationError([
    `${path}: ${rule} (mode ${shown}); chmod 600 it, or name the secret's file with chap-secret-file=PATH`,
  ]);
}

/** The same from text; `file` is its name in messages. */
export function parseAgentConfig(text: string, file: string): AgentConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [broken] = document.errors;
  if (broken !== undefined) {
    // What follows the first one is mostly its consequence.
    throw new ConfigurationError([yamlProblem(broken.message, broken.linePos, file)]);
  }
  const values = valuesOf(document, file);
  const parsed = agentSchema.safeParse(values);
  if (!parsed.success) {
    const broken = schemaProblems(parsed.error.issues, values, knownKeys);
    throw new ConfigurationError(inOrderOfTheFile(broken, document, lines, file));
  }
  const { fencing = fencingFor(parsed.data.data), ...others } = parsed.data;
  const problems = relationProblems({ ...others, fencing });
  if (fencing !== undefined && problems.length === 0) return { ...others, fencing };
  throw new ConfigurationError(inOrderOfTheFile(problems, document, lines, file));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reasons: Record<string, string> = {
      ENOENT: 'no such file',
      EACCES: 'no permission',
      EISDIR: 'it is a directory',
    };
    const reason = reasons[code ?? ''] ?? code ?? 'unknown error';
    throw new ConfigurationError([`${path}: cannot be read: ${reason}`], { cause: error });
  }
}

/** What the anchors and aliases in it come to is only known here. The word of an alias may be anything, a secret too. */
function valuesOf(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    const text = `${file}: an alias (*) of nothing, or of too much; text that begins with * goes in quotes`;
    throw new ConfigurationError([text], { cause });
  }
}

function yamlProblem(
  message: string,
  at: readonly [{ line: number }, ...unknown[]] | undefined,
  file: string,
): string {
  const what = message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '');
  return `${file}${at === undefined ? '' : `:${at[0].line}`}: not YAML: ${what}`;
}

function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  const { shape } = agentSchema;
  return Object.keys(path[0] === 'service' ? shape.service.shape : shape);
}

function inOrderOfTheFile(
  problems: readonly Problem[],
  document: Document,
  lines: LineCounter,
  file: string,
): string[] {
  return problems
    .map(({ path, text }) => ({ line: lineOf(path, document, lines), text }))
    .sort((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity))
    .map(({ line, text }) => `${file}${line === undefined ? '' : `:${line}`}: ${text}`);
}

/** Line of the key at `path`, or of the nearest thing around it that is there. */
function lineOf(path: readonly PropertyKey[], document: Document, lines: LineCounter): number | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const offset = offsetOf(document, path.slice(0, length));
    if (offset !== undefined) return lines.linePos(offset).line;
  }
  return undefined;
}

function offsetOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (isMap(parent)) {
    const key = parent.items.find(
      (item) => isScalar(item.key) && String(item.key.value) === path.at(-1),
    )?.key;
    return isScalar(key) ? key.range?.[0] : undefined;
  }
  const node = document.getIn(path, true);
  return isScalar(node) ? node.range?.[0] : undefined;
}
