import { DeviceUnusable, RequestFailed } from '../../ports/block-device.ts';
import { testUnitReady } from '../../wire/scsi/block-commands.ts';
import {
  type Capacity,
  parseCapacity10,
  parseCapacity16,
  readCapacity10,
  readCapacity16,
} from '../../wire/scsi/capacity.ts';
import {
  inquiry,
  parseBlockLimits,
  parseStandardInquiry,
  type StandardInquiry,
  VPD_PAGE,
} from '../../wire/scsi/inquiry.ts';
import { type ModeParameters, modeSense6, parseModeSense6 } from '../../wire/scsi/mode-sense.ts';
import { parseReportLuns, reportLuns } from '../../wire/scsi/report-luns.ts';
import { ScsiUnit } from './scsi-unit.ts';

/** A disk as it describes itself. */
export interface UnitInfo {
  blocks: number;
  blockBytes: number;
  writeProtected: boolean;
  /**
   * How a write gets onto the medium: `fua` by forced unit access; `write-through` by itself, for there is no cache;
   * `flush` by SYNCHRONIZE CACHE after it.
   */
  durability: 'fua' | 'write-through' | 'flush';
  /** Of one command. */
  maximumTransferBlocks: number;
  /** For messages: `IET VIRTUAL-DISK 0001`. */
  product: string;
}

/** Whatever a unit says about it: more is never in one command of this program (as much as over NBD). */
const largestTransferBytes = 32 * 1024 * 1024;
/** Several things may have happened to a unit, and each is told instead of carrying a command out (SAM-5, 5.14). */
const mostAttentions = 8;

/**
 * Asks a unit what it is, before the first read of it: that it is a disk and ready, its size, and how a write becomes
 * durable there. Rejects with `DeviceUnusable` when it is not there or no disk, otherwise as `ScsiUnit.run`.
 */
export async function describeUnit(unit: ScsiUnit, untilMs: number): Promise<UnitInfo> {
  const standard = await inquire(unit, untilMs);
  await becomeReady(unit, untilMs);
  const { blocks, blockBytes } = await capacityOf(unit, untilMs);
  const mode = await modeOf(unit, untilMs);
  return {
    blocks,
    blockBytes,
    writeProtected: mode.writeProtected,
    durability: durabilityOf(mode, standard),
    maximumTransferBlocks: Math.min(await transferLimit(unit, untilMs), largestTransferBytes / blockBytes),
    product: `${standard.vendor} ${standard.product} ${standard.revision}`,
  };
}

/** INQUIRY is answered for any LUN; the qualifier says whether one is behind it (SPC-4, table 139). */
async function inquire(unit: ScsiUnit, untilMs: number): Promise<StandardInquiry> {
  const standard = parseStandardInquiry(await unit.run(inquiry(), untilMs));
  if (standard.qualifier !== 0) {
    const text = `${unit.name}: the target has no unit ${unit.lun}; ${await neighbours(unit, untilMs)}`;
    throw new DeviceUnusable(text);
  }
  if (standard.deviceType === 0) return standard;
  const type = `0x${standard.deviceType.toString(16).padStart(2, '0')}`;
  throw new DeviceUnusable(`${unit.name}: unit ${unit.lun} is no disk, but a device of type ${type}`);
}

/** For whoever wrote the wrong number. Unit 0 answers for all of them, and is always there (SPC-4, 6.33). */
async function neighbours(unit: ScsiUnit, untilMs: number): Promise<string> {
  try {
    const { luns } = parseReportLuns(await new ScsiUnit(unit.session, 0).run(reportLuns(), untilMs));
    const shown = luns.length > 20 ? [...luns.slice(0, 20), '...'] : luns;
    return shown.length === 0 ? 'it has none for this initiator' : `it has ${shown.join(', ')}`;
  } catch {
    return 'and it does not say which it has';
  }
}

/** What happened before this session is told now, and not to the first write. */
async function becomeReady(unit: ScsiUnit, untilMs: number): Promise<void> {
  for (let attentions = 0; ; attentions += 1) {
    try {
      await unit.run(testUnitReady(), untilMs);
      return;
    } catch (error) {
      if (attentions === mostAttentions || !hasCode(error, 'UNIT ATTENTION')) throw error;
    }
  }
}

async function capacityOf(unit: ScsiUnit, untilMs: number): Promise<Capacity> {
  const long = await unlessIllegal(unit.run(readCapacity16(), untilMs));
  return long === undefined
    ? parseCapacity10(await unit.run(readCapacity10(), untilMs))
    : parseCapacity16(long);
}

/** The caching page, then whatever pages there are; a unit without MODE SENSE says nothing, and a flush is safe with any. */
async function modeOf(unit: ScsiUnit, untilMs: number): Promise<ModeParameters> {
  const data =
    (await unlessIllegal(unit.run(modeSense6(), untilMs))) ??
    (await unlessIllegal(unit.run(modeSense6(0x3f), untilMs)));
  return data === undefined
    ? { writeProtected: false, forcedUnitAccess: false, writeCache: undefined }
    : parseModeSense6(data);
}

/** SBC-3, 6.5.3; 0 is no limit. */
async function transferLimit(unit: ScsiUnit, untilMs: number): Promise<number> {
  const page = await unlessIllegal(unit.run(inquiry(VPD_PAGE.BLOCK_LIMITS), untilMs));
  const blocks = page === undefined ? 0 : parseBlockLimits(page).maximumTransferBlocks;
  return blocks === 0 ? Infinity : blocks;
}

/** tgt forces units, with fdatasync (usr/bs_rdwr.c), and does not say so in the mode parameters. */
function durabilityOf(mode: ModeParameters, { vendor, product }: StandardInquiry): UnitInfo['durability'] {
  if (mode.forcedUnitAccess || (vendor === 'IET' && product === 'VIRTUAL-DISK')) return 'fua';
  return mode.writeCache === false ? 'write-through' : 'flush';
}

async function unlessIllegal<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (hasCode(error, 'ILLEGAL REQUEST')) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, prefix: string): boolean {
  return error instanceof RequestFailed && error.code.startsWith(prefix);
}
