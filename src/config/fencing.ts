import { type DeviceUri, parseDeviceUri } from '../block/uri.ts';
import type { Fencing } from '../ports/data-access.ts';

/**
 * What keeps former owners out of a data area of this kind: the gate that an NBD server is, the reservations of a SCSI
 * unit. Undefined where nothing does, which has to be said. `uris` are valid, each for itself.
 */
export function fencingFor(uris: readonly string[]): Fencing | undefined {
  const kinds = new Set(uris.map((uri) => naturalFencing(parseDeviceUri(uri))));
  return kinds.size === 1 ? [...kinds][0] : undefined;
}

function naturalFencing(device: DeviceUri): Fencing | undefined {
  if (device.kind === 'nbd') return 'gate';
  if (device.kind === 'iscsi') return 'reservation';
  // A disk of this machine, or what claims to be one: reservations are asked of it, and it has to take them.
  return device.path.startsWith('/dev/') ? 'reservation' : undefined;
}
