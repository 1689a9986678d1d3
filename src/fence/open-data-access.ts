import { DeviceUnusable } from '../ports/block-device.ts';
import type { DataAccess, Fencing } from '../ports/data-access.ts';
import { type Claimant, nbdServer } from './data-export.ts';
import { GateAccess } from './gate.ts';
import { unfencedAccess } from './none.ts';

/** The way into the data area at `uris`. Throws DeviceUnusable for a URI that such a fence cannot work with. */
export function openDataAccess(
  fencing: Fencing,
  [uri]: readonly [string, ...string[]],
  claimant: Claimant,
): DataAccess {
  if (fencing === 'none') return unfencedAccess(uri, claimant);
  if (fencing === 'reservation') {
    throw new DeviceUnusable(`${uri}: reservations are not supported yet; gate and none are`);
  }
  const address = nbdServer(uri);
  if (address === undefined) {
    throw new DeviceUnusable(`${uri}: a gate is an NBD server, without an export name: nbd://HOST:PORT`);
  }
  return new GateAccess(address, claimant);
}
