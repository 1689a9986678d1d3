import { SgUnit } from '../fence/sg-unit.ts';
import { DoctorRefuses } from './refusal.ts';
import type { Finding } from './finding.ts';
import { ReservationTrial } from './reservations.ts';
import type { Unfinished } from './unfinished.ts';

/** What a SCSI disk of this machine says about its reservations, by sg3-utils. */
export type DiskReservations =
  | { kind: 'taken'; keys: readonly bigint[]; held: { key: bigint; type: number } | undefined }
  /** It takes none, or the programs are missing. */
  | { kind: 'none'; why: string };

/** Reads alone. Never rejects. */
export async function diskReservations(path: string, deadlineMs: number): Promise<DiskReservations> {
  const unit = new SgUnit(path);
  try {
    await unit.probe(deadlineMs);
    const { keys } = await unit.readKeys(deadlineMs);
    return { kind: 'taken', keys, held: await unit.readReservation(deadlineMs) };
  } catch (error) {
    return { kind: 'none', why: (error as Error).message };
  }
}

/**
 * Takes a reservation and gives it back. All of this machine is one nexus to the disk, so a second one is not seen to be shut
 * out. Rejects with DoctorRefuses when the disk is in use, and as `SgUnit.probe` does.
 */
export async function tryDiskReservations(
  path: string,
  { deadlineMs, signal, unfinished }: { deadlineMs: number; signal: AbortSignal; unfinished: Unfinished },
): Promise<Finding[]> {
  const unit = new SgUnit(path);
  await unit.probe(deadlineMs);
  const trial = new ReservationTrial({ unit, read: async () => undefined }, undefined, deadlineMs);
  unfinished.watch(() => trial.open);
  return await trial.run(signal).catch((error: unknown) => {
    if (!(error instanceof DoctorRefuses)) throw error;
    throw new DoctorRefuses(`${path}: ${error.message}`, 'storage');
  });
}
