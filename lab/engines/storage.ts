import { execa } from 'execa';
import { InfrastructureError } from '../errors.ts';
import type { Engine } from './engine.ts';

/**
 * What keeps the bytes behind the gate of a lab: `nbd`, the gate itself in plain files; `nbdkit`, a stock NBD server, one
 * process for every owner of the data area.
 */
export const storageKinds = ['nbd', 'nbdkit'] as const;
export type StorageKind = (typeof storageKinds)[number];

/** nbdkit where it is part of the image; on processes what every machine has. */
function defaultStorage(engine: Engine['name']): StorageKind {
  return engine === 'docker' ? 'nbdkit' : 'nbd';
}

/** Resolves with what was wanted, or the engine's own; rejects with InfrastructureError where this machine lacks it. */
export async function chooseStorage(
  engine: Engine['name'],
  wanted: StorageKind | undefined,
  program = 'nbdkit',
): Promise<StorageKind> {
  const storage = wanted ?? defaultStorage(engine);
  if (storage === 'nbdkit' && engine === 'process') {
    const { exitCode } = await execa(program, ['--version'], { reject: false });
    if (exitCode !== 0) {
      throw new InfrastructureError(
        `no ${program} for --storage nbdkit: install the Debian package nbdkit, or take --storage nbd`,
      );
    }
  }
  return storage;
}

/** The arguments of `arbiter storage` for it. */
export function backendArguments(storage: StorageKind): string[] {
  return ['--backend', storage === 'nbdkit' ? 'nbdkit' : 'file'];
}
