import { InfrastructureError } from '../errors.ts';
import type { Engine } from './engine.ts';
import { isDaemonInstalled } from './installed.ts';

/**
 * The storage of a lab. Over NBD the gate serves both areas, and keeps the bytes in plain files itself (`nbd`) or in a
 * stock NBD server, one process for every owner of the data area (`nbdkit`); or it does the former over TLS, every server
 * with a key of its own (`nbds`). Over iSCSI a stock target with persistent
 * reservations (`tgt`).
 */
export const storageKinds = ['nbd', 'nbds', 'nbdkit', 'tgt'] as const;
export type StorageKind = (typeof storageKinds)[number];

/** What a storage node runs beside our own program: in the image of the lab, and to be installed for processes. */
const needs: Readonly<Record<StorageKind, readonly { program: string; pack: string }[]>> = {
  nbd: [],
  nbds: [],
  nbdkit: [{ program: 'nbdkit', pack: 'nbdkit' }],
  tgt: [
    { program: 'tgtd', pack: 'tgt' },
    { program: 'setpriv', pack: 'util-linux' },
    // For a fault: a disk that is slow on demand.
    { program: 'strace', pack: 'strace' },
  ],
};

/** What a run takes where nothing is asked for; of it, what is not installed is left out. */
const defaults: Readonly<Record<Engine['name'], readonly StorageKind[]>> = {
  docker: ['nbdkit', 'tgt'],
  process: ['nbd', 'tgt'],
};

type Has = (program: string) => Promise<boolean>;

/**
 * Resolves with what was wanted, each once, or with the engine's own; rejects with InfrastructureError where this machine
 * lacks what one of them needs.
 */
export async function chooseStorages(
  engine: Engine['name'],
  wanted: readonly StorageKind[],
  has: Has = isDaemonInstalled,
): Promise<StorageKind[]> {
  for (const storage of wanted) {
    const missing = await missingFor(engine, storage, has);
    if (missing.length === 0) continue;
    const programs = missing.map(({ program }) => program).join(' and ');
    const packs = missing.map(({ pack }) => pack).join(' ');
    throw new InfrastructureError(
      `no ${programs} for --storage ${storage}: install what Debian packages as ${packs}, or take --storage nbd`,
    );
  }
  if (wanted.length > 0) return [...new Set(wanted)];
  const there: StorageKind[] = [];
  for (const storage of defaults[engine])
    if ((await missingFor(engine, storage, has)).length === 0) there.push(storage);
  return there;
}

/** What a lab on this engine cannot run this storage without, and does not have. Containers bring their own. */
export async function missingFor(
  engine: Engine['name'],
  storage: StorageKind,
  has: Has = isDaemonInstalled,
): Promise<{ program: string; pack: string }[]> {
  if (engine === 'docker') return [];
  const installed = await Promise.all(needs[storage].map(({ program }) => has(program)));
  return needs[storage].filter((_, i) => installed[i] === false);
}
