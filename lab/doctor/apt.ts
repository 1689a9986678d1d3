import { isInstalled } from '../engines/installed.ts';

/** A command of an administrator, as this user gives it. */
export function asRoot(command: string): string {
  return process.getuid?.() === 0 ? command : `sudo ${command}`;
}

/** What installs Debian's packages here; undefined where there is no apt-get. */
export async function aptInstall(packages: readonly string[]): Promise<string | undefined> {
  if (!(await isInstalled('apt-get'))) return undefined;
  return asRoot(`apt-get install -y ${packages.join(' ')}`);
}
