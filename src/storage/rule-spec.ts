import type { Operation, RuleSpec } from './rules.ts';

/** What somebody sent is not a rule; the message names the field. */
export class BadRule extends Error {
  override readonly name = 'BadRule';
}

const ACTIONS: readonly RuleSpec['action'][] = ['hold', 'delay', 'fail', 'drop'];
const FIELDS = ['peer', 'export', 'op', 'offset', 'nth', 'action', 'delayMs', 'error'];

/** What a rule of this storage node may name. */
export interface RuleWords {
  operations: readonly Operation[];
  /** Of a request that is failed. */
  errorNames: readonly string[];
}

/** A rule from JSON. Throws BadRule. */
export function parseRuleSpec(body: unknown, { operations, errorNames }: RuleWords): RuleSpec {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new BadRule('a rule is a JSON object');
  const fields = body as Record<string, unknown>;
  const stray = Object.keys(fields).find((key) => !FIELDS.includes(key));
  if (stray !== undefined)
    throw new BadRule(`'${stray}' is no field of a rule; there are ${FIELDS.join(', ')}`);
  const action = oneOf(fields, 'action', ACTIONS);
  if (action === 'delay' && fields['delayMs'] === undefined) throw new BadRule(`'delay' needs delayMs`);
  const peer = text(fields, 'peer');
  const name = text(fields, 'export');
  const offset = whole(fields, 'offset', 0);
  return {
    ...(peer === undefined ? {} : { peer }),
    ...(name === undefined ? {} : { export: name }),
    ...(offset === undefined ? {} : { offset }),
    op: oneOf(fields, 'op', operations),
    nth: whole(fields, 'nth', 1) ?? 1,
    action,
    delayMs: whole(fields, 'delayMs', 0) ?? 0,
    error: fields['error'] === undefined ? 'EIO' : oneOf(fields, 'error', errorNames),
  };
}

function oneOf<T extends string>(fields: Record<string, unknown>, key: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === fields[key]);
  if (found !== undefined) return found;
  throw new BadRule(`${key} is ${JSON.stringify(fields[key])}; it must be one of ${allowed.join(', ')}`);
}

function text(fields: Record<string, unknown>, key: string): string | undefined {
  const value = fields[key];
  if (value === undefined || typeof value === 'string') return value;
  throw new BadRule(`${key} is ${JSON.stringify(value)}; it must be a string`);
}

function whole(fields: Record<string, unknown>, key: string, least: number): number | undefined {
  const value = fields[key];
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= least))
    return value as number;
  throw new BadRule(`${key} is ${JSON.stringify(value)}; it must be a whole number, ${least} or more`);
}
