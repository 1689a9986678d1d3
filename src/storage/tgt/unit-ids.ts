import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../replace-file.ts';
import { StorageUnusable, systemReason } from '../unusable.ts';

/** What tells this storage node's logical units from every other's, and is the same after every restart. */
export interface UnitIds {
  /** The target's number within tgtd: it goes into one of the names of each unit. */
  tid: number;
  /** For INQUIRY page 83 (SPC-4, 7.8.6): what tgt makes both a vendor's designator and an NAA one of. */
  scsiId(lun: number): string;
  /** For INQUIRY page 80. */
  serial(lun: number): string;
}

/** Reads what was drawn at the first start, or draws it. Rejects with StorageUnusable. */
export async function unitIds(stateDir: string): Promise<UnitIds> {
  const path = join(stateDir, 'unit-id');
  try {
    const kept = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    if (kept === undefined) {
      const drawn = randomBytes(8).toString('hex');
      await replaceFile(path, `${drawn}\n`);
      return idsFrom(drawn);
    }
    const [digits] = /^[0-9a-f]{16}$/m.exec(kept) ?? [];
    if (digits !== undefined) return idsFrom(digits);
  } catch (error) {
    throw new StorageUnusable(`storage: unit names in ${path}: ${systemReason(error)}`, { cause: error });
  }
  throw new StorageUnusable(`storage: ${path} is not 16 hex digits; remove it for new names of the units`);
}

function idsFrom(digits: string): UnitIds {
  const paddedLun = (lun: number): string => lun.toString(16).padStart(4, '0');
  return {
    // 28 bits, for the four above them are overwritten by the kind of name; 0 is no number of a target.
    tid: (Number.parseInt(digits.slice(0, 8), 16) & 0x0fffffff) | 1,
    scsiId: (lun) => `ARBITER ${digits}${paddedLun(lun)}`,
    serial: (lun) => `${digits}${paddedLun(lun)}`,
  };
}
