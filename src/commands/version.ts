import { readFileSync } from 'node:fs';

/** The version in package.json, which stands two folders up both in the sources and in the built package. */
export function programVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
