import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** True when a program of that name would be run. */
export async function isInstalled(program: string): Promise<boolean> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const looks = folders.map((folder) => access(join(folder, program), constants.X_OK));
  return (await Promise.allSettled(looks)).some(({ status }) => status === 'fulfilled');
}

/** A command of an administrator, as this user gives it. */
export function asRoot(command: string): string {
  return process.getuid?.() === 0 ? command : `sudo ${command}`;
}

/** What installs Debian's packages here; undefined where there is no apt-get. */
export async function aptInstall(packages: readonly string[]): Promise<string | undefined> {
  if (!(await isInstalled('apt-get'))) return undefined;
  return asRoot(`apt-get install -y ${packages.join(' ')}`);
}
