import type { BlockDevice } from '../ports/block-device.ts';
import { FileBlockDevice } from './file.ts';
import { IscsiBlockDevice } from './iscsi/device.ts';
import type { IscsiTarget } from './iscsi/login.ts';
import { NbdBlockDevice } from './nbd/device.ts';
import { parseDeviceUri } from './uri.ts';

/**
 * Opens a block device by its URI: `nbd://`, `nbd+unix://`, `iscsi://`, `file://` or a plain path. A server is connected to within
 * `deadlineMs`. Rejects with `DeviceUnusable` when trying again is no use (unknown kind, refused, no such file), with
 * `RequestFailed` code ENOTCONN when there is no server or no answer now.
 */
export async function openBlockDevice(
  uri: string,
  options: { deadlineMs: number; initiator?: Pick<IscsiTarget, 'initiatorName' | 'alias'> },
): Promise<BlockDevice> {
  const device = parseDeviceUri(uri);
  switch (device.kind) {
    case 'file':
      return FileBlockDevice.open(device.path);
    case 'nbd':
      return NbdBlockDevice.open(device.address, device.exportName, options.deadlineMs);
    default:
      return IscsiBlockDevice.open({ address: device.address, ...options.initiator }, options.deadlineMs);
  }
}
