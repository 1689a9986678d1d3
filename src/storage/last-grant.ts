import { findHeader } from '../area/header.ts';
import { areaBytes, HEADER_PROBE_BYTES, MAX_SLOTS, SECTOR_SIZES } from '../area/layout.ts';
import { FileMedium } from './file-medium.ts';
import type { GrantStore, Kept } from './grant-store.ts';
import type { ImageFile } from './image-file.ts';
import { tracesOfGrants } from './lost-grant.ts';
import { StorageUnusable, systemReason } from './unusable.ts';

const LARGEST_AREA_BYTES = areaBytes(Math.max(...SECTOR_SIZES), MAX_SLOTS);

/**
 * What a storage node begins with: what it kept, or, where nothing is kept, what its quorum area tells (see
 * `tracesOfGrants`), which is kept before anybody is let in. Call it when nobody else uses the files. Rejects with
 * StorageUnusable when the grant is another cluster's, or lost beyond what the area tells.
 */
export async function lastGrant(
  store: GrantStore,
  quorum: ImageFile,
  onTrouble: (line: string) => void,
): Promise<Kept> {
  const kept = await store.load();
  const bytes = await beginningOf(quorum);
  const header = findHeader(bytes.subarray(0, HEADER_PROBE_BYTES));
  const clusterId = header.kind === 'valid' ? header.value.clusterId : null;
  if (kept !== null) {
    // A grant from before grants had one is taken for this cluster's, and an area without header is nobody's yet.
    if (clusterId === null || kept.clusterId === null || kept.clusterId === clusterId) return kept;
    throw new StorageUnusable(
      `storage: the last grant in ${store.path} is of cluster ${kept.clusterId}, and the quorum area in ` +
        `${quorum.path} of cluster ${clusterId}; give --state the directory of this cluster, or, when no server of ` +
        `the other one uses these files any more, remove ${store.path}`,
    );
  }
  const traces = tracesOfGrants(bytes);
  if (traces.kind === 'unreadable') {
    throw new StorageUnusable(
      `storage: there is no last grant in ${store.path}, and the quorum area in ${quorum.path} does not tell it ` +
        `either: ${traces.why}; when no server runs, lay the area out anew: ` +
        `arbiter init file://${quorum.path} --force --nodes NAMES`,
    );
  }
  if (traces.kind === 'none') return { granted: null, floor: 0, clusterId };
  const begun = { granted: null, floor: traces.epoch, clusterId };
  await keep(store, begun);
  onTrouble(
    `storage: there is no last grant in ${store.path}, and the quorum area has been used: an owner is let in from ` +
      `epoch ${begun.floor + 1} on, which servers get to by themselves; if it had granted before, find out who removed the file`,
  );
  return begun;
}

async function beginningOf(quorum: ImageFile): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.min(quorum.sizeBytes, LARGEST_AREA_BYTES));
  try {
    await new FileMedium(quorum).read(0, bytes);
    return bytes;
  } catch (error) {
    const reason = systemReason(error);
    throw new StorageUnusable(`storage: quorum file ${quorum.path}: ${reason}`, { cause: error });
  }
}

async function keep(store: GrantStore, kept: Kept): Promise<void> {
  try {
    await store.save(kept);
  } catch (error) {
    throw new StorageUnusable(`storage: the last grant in ${store.path}: ${systemReason(error)}`, {
      cause: error,
    });
  }
}
