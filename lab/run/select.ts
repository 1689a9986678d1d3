import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { projectRoot } from '../engines/programs.ts';
import { UsageError } from '../errors.ts';

const ENDING = /\.scenario\.[jt]s$/;

/** Every scenario file, in the order of their names. */
export async function scenarioFiles(): Promise<string[]> {
  const folder = join(projectRoot, 'scenarios');
  const files = (await readdir(folder)).filter((file) => ENDING.test(file)).sort();
  return files.map((file) => join(folder, file));
}

export function scenarioName(file: string): string {
  return basename(file).replace(ENDING, '');
}

/** Which of `files` are meant by `wanted` (names, file names, or paths); all when nothing is named. */
export function select(files: readonly string[], wanted: readonly string[]): string[] {
  if (wanted.length === 0) return [...files];
  return wanted.map((name) => {
    const found = files.find((file) => scenarioName(file) === scenarioName(name));
    if (found === undefined) {
      throw new UsageError(`no scenario is called ${name}; there are: ${files.map(scenarioName).join(', ')}`);
    }
    return found;
  });
}

/** Shard `i/n` (1 <= i <= n) of the files: every n-th, beginning with the i-th. */
export function shard(files: readonly string[], text: string | undefined): string[] {
  if (text === undefined) return [...files];
  const match = /^(\d+)\/(\d+)$/.exec(text);
  const [i, n] = [Number(match?.[1]), Number(match?.[2])];
  if (!(i >= 1 && i <= n))
    throw new UsageError(`--shard ${text}: expected i/n with 1 <= i <= n, such as 1/3`);
  return files.filter((_, index) => index % n === i - 1);
}
