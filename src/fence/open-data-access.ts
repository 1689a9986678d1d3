import { join } from 'node:path';
import { parseDeviceUri } from '../block/uri.ts';
import type { IscsiAddress } from '../block/uri-iscsi.ts';
import { DeviceUnusable } from '../ports/block-device.ts';
import { type DataAccess, DATA_SOCKET_NAME, type Fencing } from '../ports/data-access.ts';
import { type Claimant, nbdServer } from './data-export.ts';
import { GateAccess } from './gate.ts';
import { unfencedAccess } from './none.ts';

export interface DataAccessOptions {
  fencing: Fencing;
  /** Several where several paths lead to one unit. */
  uris: readonly [string, ...string[]];
  claimant: Claimant;
  /** Of this server in the quorum area. */
  slot: number;
  /** How many the quorum area has. */
  slots: number;
  /** Directory for the socket at which a service finds a data area that it cannot talk to itself. */
  stateDirectory: string;
  /** T: how often to look who holds a unit. */
  intervalMs: number;
  /** One line for people. */
  warn(text: string): void;
}

/** The way into the data area; each kind is loaded where it is needed, for an agent stays small. Rejects with DeviceUnusable for a URI that such a fence cannot work with. */
export async function openDataAccess(options: DataAccessOptions): Promise<DataAccess> {
  const { fencing, uris, claimant } = options;
  const [uri] = uris;
  const addresses = uris.map(iscsiAddress).filter((address) => address !== undefined);
  if (fencing !== 'gate' && addresses.length > 0) return unitAccess(addresses, fencing, options);
  if (fencing === 'none') return unfencedAccess(uri, claimant);
  if (fencing === 'reservation') return diskAccess(uri, options);
  const address = nbdServer(uri);
  if (address === undefined) {
    throw new DeviceUnusable(`${uri}: a gate is an NBD server, without an export name: nbd://HOST:PORT`);
  }
  return new GateAccess(address, claimant);
}

function iscsiAddress(uri: string): IscsiAddress | undefined {
  const device = parseDeviceUri(uri);
  return device.kind === 'iscsi' ? device.address : undefined;
}

async function diskAccess(uri: string, { slot, slots, intervalMs }: DataAccessOptions): Promise<DataAccess> {
  const device = parseDeviceUri(uri);
  if (device.kind !== 'file') {
    throw new DeviceUnusable(
      `${uri}: a reservation is taken of a SCSI unit, as iscsi://HOST/TARGET/LUN or /dev/disk/by-id/NAME`,
    );
  }
  const { DiskAccess } = await import('./disk.ts');
  return DiskAccess.open({ path: device.path, slot, slots, checkEveryMs: intervalMs });
}

async function unitAccess(
  addresses: readonly IscsiAddress[],
  fencing: 'reservation' | 'none',
  { claimant, slot, slots, stateDirectory, intervalMs, warn }: DataAccessOptions,
): Promise<DataAccess> {
  const { UnitAccess } = await import('./reservation.ts');
  const [first, ...others] = addresses;
  return new UnitAccess({
    addresses: [first!, ...others],
    fencing,
    claimant,
    slot,
    slots,
    socketPath: join(stateDirectory, DATA_SOCKET_NAME),
    checkEveryMs: intervalMs,
    warn,
  });
}
