import { resolve } from 'node:path';
import { parseDeviceUri } from '../block/uri.ts';

/**
 * Whether both URIs name one device, as far as they tell by themselves. An iSCSI target has its name world-wide (RFC 7143,
 * section 4.2.7), by whatever address it is reached. Both are valid, each for itself.
 */
export function isSameDevice(one: string, other: string): boolean {
  return placeOf(one) === placeOf(other);
}

/** What a URI names, without how it is talked to. */
function placeOf(uri: string): string {
  const device = parseDeviceUri(uri);
  if (device.kind === 'file') return `file ${resolve(device.path)}`;
  if (device.kind === 'iscsi') return `iscsi ${device.address.target.toLowerCase()} ${device.address.lun}`;
  const { address, exportName } = device;
  const server = 'socketPath' in address ? address.socketPath : `${address.host}:${address.port}`;
  return `nbd ${server} ${exportName}`;
}
