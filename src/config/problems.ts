import type * as z from 'zod';
import { withoutSecret } from '../block/uri-parts.ts';
import type { Problem } from './relations.ts';
import { closest } from './suggest.ts';

/** One line per broken rule: key, value, rule. `file` is what was read, as plain values. */
export function schemaProblems(
  issues: readonly z.core.$ZodIssue[],
  file: unknown,
  keysAt: KeysAt,
): Problem[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => unknownKey([...issue.path, key], keysAt(issue.path)));
    }
    const rule = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
    if (issue.path.length === 0) return [{ path: [], text: `${show(file)}: ${rule}` }];
    const found = namesValue(issue) ? '' : `${show(valueAt(file, issue.path))}: `;
    return [{ path: issue.path, text: `${keyOf(issue.path)}: ${found}${rule}` }];
  });
}

/** True when the rule was told together with the value, or is about the key alone. */
function namesValue(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_key' || (issue.code === 'custom' && issue.params?.['namesValue'] === true);
}

/** The keys that may stand in the mapping at `path`. */
export type KeysAt = (path: readonly PropertyKey[]) => readonly string[];

function unknownKey(path: readonly PropertyKey[], known: readonly string[]): Problem {
  const suggestion = closest(String(path.at(-1)), known);
  const hint = suggestion === undefined ? `known are ${known.join(', ')}` : `did you mean '${suggestion}'?`;
  return { path, text: `${keyOf(path)}: unknown key; ${hint}` };
}

/** `service.command[1]` */
function keyOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((key, part) => {
    if (typeof part === 'number') return `${key}[${part}]`;
    return key === '' ? String(part) : `${key}.${String(part)}`;
  }, '');
}

function valueAt(file: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) => (typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined),
    file,
  );
}

const SHOWN_MAX = 60;

function show(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'empty';
  const text =
    typeof value === 'string' ? `'${shown(value)}'` : JSON.stringify(value, (_, each) => shown(each));
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
}

/** Whatever it stands at, a URI may have a secret in it. */
function shown<T>(value: T): T | string {
  return typeof value === 'string' && value.includes(':/') ? withoutSecret(value) : value;
}
