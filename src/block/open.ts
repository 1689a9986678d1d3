import type { BlockDevice } from '../ports/block-device.ts';
import { FileBlockDevice } from './file.ts';
import { IscsiBlockDevice } from './iscsi/device.ts';
import { initiatorNameFor } from './iscsi/identity.ts';
import { NbdBlockDevice } from './nbd/device.ts';
import { parseDeviceUri } from './uri.ts';

interface OpenOptions {
  deadlineMs: number;
  /** Who opens it, for targets that show who is logged in: a server of the cluster, and what for. */
  initiator?: { node: string; alias: string };
}

/**
 * Opens a block device by its URI: `nbd://`, `nbd+unix://`, `iscsi://`, `file://` or a plain path. A server is connected to
 * within `deadlineMs`. Rejects with `DeviceUnusable` when trying again is no use (unknown kind, refused, no such file), with
 * `RequestFailed` code ENOTCONN when there is no server or no answer now.
 */
export async function openBlockDevice(
  uri: string,
  { deadlineMs, initiator }: OpenOptions,
): Promise<BlockDevice> {
  const device = parseDeviceUri(uri);
  switch (device.kind) {
    case 'file':
      return FileBlockDevice.open(device.path);
    case 'nbd':
      return NbdBlockDevice.open(device.address, device.exportName, deadlineMs);
    default: {
      const { address } = device;
      if (initiator === undefined) return IscsiBlockDevice.open({ address }, deadlineMs);
      const { node, alias } = initiator;
      return IscsiBlockDevice.open({ address, initiatorName: initiatorNameFor(node), alias }, deadlineMs);
    }
  }
}
