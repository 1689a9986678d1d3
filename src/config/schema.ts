import * as z from 'zod';
import { isNodeName } from '../area/field.ts';
import { deviceUriProblem, statusAddressProblem } from './uri.ts';

/**
 * The agent's file, key by key. The message of each check is the rule as it is told to a person, after key and value.
 * What two keys must be to each other stands in relations.ts.
 */
const NODE_RULE =
  'a node name has 1 to 31 lower-case letters, digits and hyphens, the first one not a hyphen';
const CLUSTER_RULE = 'the id of the cluster, 32 hexadecimal digits, as `arbiter init` printed it';
const QUORUM_RULE = 'the URI of the quorum area, as nbd://HOST:PORT/quorum';
const DATA_RULE =
  'the URI of the data area; of a gate as nbd://HOST:PORT, of several paths to one unit a list';
const COMMAND_RULE = 'a list of program and arguments, as [/usr/bin/ledger, --verbose]';
const ENV_RULE = 'a mapping of variables to text';
const YES_OR_NO = 'true or false';

const absolutePath = (rule: string): z.ZodString =>
  z.string(rule).startsWith('/', `${rule}, from the root on`);

const serviceSchema = z.strictObject(
  {
    command: z
      .array(z.string(textRule('an argument')), COMMAND_RULE)
      .min(1, COMMAND_RULE)
      .refine(([program]) => program !== '', COMMAND_RULE)
      .transform((argv) => argv as [string, ...string[]]),
    env: z.record(z.string().check(environmentName), z.string(textRule('a value')), ENV_RULE).default({}),
    directory: z.exactOptional(absolutePath('the directory the service starts in')),
  },
  'a mapping with `command`, and `env` and `directory` where needed',
);

export const agentSchema = z.strictObject(
  {
    node: z.string(NODE_RULE).refine(isNodeName, NODE_RULE),
    cluster: z.exactOptional(z.string(CLUSTER_RULE).regex(/^[0-9a-f]{32}$/, CLUSTER_RULE)),
    quorum: z.string(QUORUM_RULE).check(told(deviceUriProblem)),
    data: z.unknown().transform(oneOrSeveralUris),
    fencing: z.exactOptional(
      z.enum(['gate', 'reservation', 'none'], 'gate, reservation or none; left out, what goes with `data`'),
    ),
    protocol: z.enum(['safe', 'literal'], 'safe or literal').default('safe'),
    unsafe: z.boolean(YES_OR_NO).default(false),
    guard: z.boolean(YES_OR_NO).default(true),
    service: serviceSchema,
    status: z.exactOptional(z.string('unix:/PATH or tcp://127.0.0.1:PORT').check(told(statusAddressProblem))),
    state: absolutePath('the directory for the process id of the service'),
  },
  'a mapping of keys to values: node, quorum, data, service, state, ...',
);

/** One URI, or a list of them; either way a list from here on. */
function oneOrSeveralUris(value: unknown, context: z.core.$RefinementCtx): readonly [string, ...string[]] {
  const uris: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (uris.length === 0) context.issues.push({ code: 'custom', message: DATA_RULE, input: value });
  uris.forEach((uri, index) => {
    const at = Array.isArray(value) ? { path: [index] } : {};
    const problem = typeof uri === 'string' ? deviceUriProblem(uri) : undefined;
    if (typeof uri !== 'string')
      context.issues.push({ code: 'custom', message: DATA_RULE, input: uri, ...at });
    else if (problem !== undefined)
      context.issues.push({ code: 'custom', message: problem, params: NAMES_VALUE, input: uri, ...at });
  });
  return uris as readonly [string, ...string[]];
}

/** A check that tells in its own words what is wrong with which value. */
function told(problemOf: (value: string) => string | undefined): z.core.CheckFn<string> {
  return (context) => {
    const message = problemOf(context.value);
    if (message === undefined) return;
    context.issues.push({ code: 'custom', message, params: NAMES_VALUE, input: context.value });
  };
}

/** For problems.ts: the message has the value in it already. */
const NAMES_VALUE = { namesValue: true };

/** `ON` and `0644` are read by YAML as something else than they look like; so nothing is turned into text silently. */
function textRule(what: string): string {
  return `${what} is text: put it in quotes`;
}

function environmentName(context: z.core.ParsePayload<string>): void {
  const name = context.value;
  const message = !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
    ? 'not the name of an environment variable'
    : name.startsWith('ARBITER_')
      ? 'names that begin with ARBITER_ are set by the agent'
      : undefined;
  if (message !== undefined) context.issues.push({ code: 'custom', message, input: name });
}
