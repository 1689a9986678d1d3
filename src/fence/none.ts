import type { DataAccess } from '../ports/data-access.ts';
import { type Claimant, dataUri, nbdServer } from './data-export.ts';

/**
 * A data area that nobody guards (unsafe): every epoch is let in, and nobody is shut out. An NBD URI without an export
 * name gets the one a gate would be asked for, so that a gate whose fencing is switched off can tell who writes.
 */
export function unfencedAccess(uri: string, claimant: Claimant): DataAccess {
  const address = nbdServer(uri);
  return {
    fencing: 'none',
    uriFor: (epoch) => (address === undefined ? uri : dataUri(address, claimant, epoch)),
    obtain: async () => ({ kind: 'granted' }),
    giveUp: async () => {},
    onLost: () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
