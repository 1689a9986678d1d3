import type { BlockDevice } from '../ports/block-device.ts';
import { FileBlockDevice } from './file.ts';
import { NbdBlockDevice } from './nbd/device.ts';
import { parseDeviceUri } from './uri.ts';

/**
 * Opens a block device by its URI: `nbd://`, `nbd+unix://`, `file://` or a plain path. A server is connected to within
 * `deadlineMs`. Rejects with `DeviceUnusable` when trying again is no use (unknown kind, refused, no such file), with
 * `RequestFailed` code ENOTCONN when there is no server or no answer now.
 */
export async function openBlockDevice(uri: string, options: { deadlineMs: number }): Promise<BlockDevice> {
  const device = parseDeviceUri(uri);
  return device.kind === 'file'
    ? FileBlockDevice.open(device.path)
    : NbdBlockDevice.open(device.address, device.exportName, options.deadlineMs);
}
