import { stat } from 'node:fs/promises';
import { parseDeviceUri } from '../block/uri.ts';
import type { AgentConfig } from '../config/agent-config.ts';
import { CommandError, EXIT } from './errors.ts';

/**
 * Refuses, with CommandError, a data area that is the quorum area under another name: a link, or one of the names that udev
 * gives a disk. What cannot be looked at is told of by whoever opens it.
 */
export async function refuseOneDisk({ quorum, data }: Pick<AgentConfig, 'quorum' | 'data'>): Promise<void> {
  const [one, other] = await Promise.all([identityOf(quorum), identityOf(data[0])]);
  if (one === undefined || one !== other) return;
  throw new CommandError(`data: '${data[0]}': the same as ${quorum}, the quorum area`, EXIT.usage);
}

async function identityOf(uri: string): Promise<string | undefined> {
  const device = parseDeviceUri(uri);
  if (device.kind !== 'file') return undefined;
  const seen = await stat(device.path).catch(() => undefined);
  return seen?.isBlockDevice() === true ? `disk ${seen.rdev}` : seen && `file ${seen.dev} ${seen.ino}`;
}
