import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Where Debian keeps daemons, and where the PATH of an ordinary user does not lead. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** True when a program of that name would be run. */
export async function isInstalled(program: string): Promise<boolean> {
  return isIn((process.env['PATH'] ?? '').split(delimiter), program);
}

/** The same for a daemon: whoever starts one knows where they are. */
export async function isDaemonInstalled(program: string): Promise<boolean> {
  return isIn([...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_FOLDERS], program);
}

async function isIn(path: readonly string[], program: string): Promise<boolean> {
  const folders = path.filter((folder) => folder !== '');
  const looks = folders.map((folder) => access(join(folder, program), constants.X_OK));
  return (await Promise.allSettled(looks)).some(({ status }) => status === 'fulfilled');
}
