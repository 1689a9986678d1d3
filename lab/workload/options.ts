import { parseArgs } from 'node:util';

/** A usage error: one line, exit code 64. */
export class WrongUsage extends Error {
  override readonly name = 'WrongUsage';
}

/** `--name value` for every name there is a default for; `undefined` as default: it must be given. */
export function optionsFrom<N extends string>(
  argv: readonly string[],
  defaults: Readonly<Record<N, string | undefined>>,
): Record<N, string> {
  const names = Object.keys(defaults) as N[];
  let values: Readonly<Record<string, string | boolean | undefined>>;
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
    ({ values } = parseArgs({ args: [...argv], options, strict: true }));
  } catch (cause) {
    throw new WrongUsage((cause as Error).message, { cause });
  }
  const given = names.map((name) => {
    const value = values[name] ?? defaults[name];
    if (typeof value !== 'string') throw new WrongUsage(`--${name} is needed`);
    return [name, value];
  });
  return Object.fromEntries(given) as Record<N, string>;
}

export function numberIn(name: string, text: string, least: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(number >= least))
    throw new WrongUsage(`--${name} ${text}: a whole number of at least ${least} is needed`);
  return number;
}

/** `ADDR:PORT`, an IPv6 address in brackets. */
export function hostAndPort(text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) throw new WrongUsage(`${text}: ADDR:PORT is needed`);
  return { host: match[1] ?? match[2]!, port };
}

/** Runs a program of the workload: a usage error ends it with 64 and one line that begins with its name. */
export async function runProgram(name: string, main: () => Promise<void> | void): Promise<void> {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${name}: ${(error as Error).message}\n`);
    process.exitCode = error instanceof WrongUsage ? 64 : 3;
  }
}
