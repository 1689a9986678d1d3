import { Command } from 'commander';
import { type Frame, frameOf } from '../area/block.ts';
import { findHeader } from '../area/header.ts';
import { areaBytes, MAX_SLOTS, SECTOR_SIZES, type SectorBytes } from '../area/layout.ts';
import { decodeRecord } from '../area/record.ts';
import { decodeSlot } from '../area/slot.ts';
import { hexdump } from '../bytes/hexdump.ts';
import type { BlockDevice } from '../ports/block-device.ts';
import { pauseText } from './describe.ts';
import type { Header, NodeSlot, OwnershipRecord, Pause, Reading } from '../protocol/types.ts';
import {
  openDevice,
  readBeginning,
  REQUEST_DEADLINE_MS,
  requireNoSecret,
  unformatted,
} from './area-access.ts';
import { fields, printJson, printLines, wallTime } from './output.ts';

export function dumpCommand(): Command {
  return new Command('dump')
    .description('Every field of every block of a quorum area; of blocks that are damaged, their bytes.')
    .argument(
      '<uri>',
      'nbd://HOST:PORT/EXPORT, nbd+unix:///EXPORT?socket=/PATH, iscsi://HOST/TARGET/LUN or file:///PATH',
    )
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  arbiter dump nbd://storage/quorum')
    .action(dump);
}

async function dump(uri: string, { json }: { json?: true }): Promise<void> {
  requireNoSecret(uri);
  await using device = await openDevice(uri);
  const beginning = await readBeginning(device);
  const header = findHeader(beginning);
  if (header.kind === 'null') throw unformatted(device);
  const { sectorBytes, slots } = extentOf(device, header, frameOf(beginning));
  const bytes = await device.read(0, areaBytes(sectorBytes, slots), REQUEST_DEADLINE_MS);
  const blocks = blocksOf(bytes, sectorBytes, slots, header);
  if (json) printJson({ uri: device.name, sectorBytes, slots, blocks: blocks.map(jsonOf) });
  else
    printLines([
      `${device.name}: ${blocks.length} sectors of ${sectorBytes} bytes`,
      ...blocks.flatMap(linesOf),
    ]);
}

/** From the header; without one that can be read, as far as blocks can lie on this device. */
function extentOf(
  device: BlockDevice,
  header: Reading<Header>,
  frame: Frame,
): { sectorBytes: SectorBytes; slots: number } {
  const wanted = header.kind === 'valid' ? header.value : undefined;
  const claimed = SECTOR_SIZES.find((size) => size === frame.sectorBytes) ?? SECTOR_SIZES[0];
  const sectorBytes = wanted?.sectorBytes ?? claimed;
  const sectors = Math.floor(device.sizeBytes / sectorBytes);
  return { sectorBytes, slots: Math.max(0, Math.min(wanted?.slots ?? MAX_SLOTS, sectors - 2)) };
}

interface Block {
  name: string;
  offset: number;
  sector: Uint8Array;
  reading: Reading<Header | OwnershipRecord | NodeSlot>;
}

function blocksOf(bytes: Uint8Array, sectorBytes: number, slots: number, header: Reading<Header>): Block[] {
  const clusterId = header.kind === 'valid' ? header.value.clusterId : undefined;
  const blocks: Block[] = [];
  const add = (name: string, decode: (sector: Uint8Array) => Block['reading']): void => {
    const offset = blocks.length * sectorBytes;
    const sector = bytes.subarray(offset, offset + sectorBytes);
    blocks.push({ name, offset, sector, reading: decode(sector) });
  };
  add('header', () => header);
  add('ownership record', (sector) => decodeRecord(sector, clusterId));
  for (let index = 0; index < slots; index += 1)
    add(`node slot ${index}`, (sector) => decodeSlot(sector, clusterId));
  if (header.kind === 'valid') return blocks;
  return blocks.slice(0, 1 + blocks.findLastIndex(({ reading }) => reading.kind !== 'null'));
}

function linesOf({ name, offset, sector, reading }: Block): string[] {
  const title = `${name}, at ${offset}:`;
  if (reading.kind === 'null') return ['', `${title} all zero`];
  if (reading.kind === 'damaged')
    return ['', `${title} damaged: ${reading.why}`, ...indented(hexdump(sector))];
  return [
    '',
    title,
    ...fields([...frameFields(frameOf(sector)), ...Object.entries(flat(reading.value)).map(textField)], '  '),
  ];
}

function frameFields(frame: Frame): [string, string][] {
  return [
    ['magic', frame.magic],
    ['version', String(frame.version)],
    ['cluster', frame.clusterId],
    ['written', wallTime(frame.wallMs) || 'no wall clock'],
    ['crc32c', crcText(frame)],
  ];
}

function crcText({ crc }: Frame): string {
  return crc.toString(16).padStart(8, '0');
}

function textField([name, value]: [string, unknown]): [string, string] {
  if (name === 'pause') return [name, value === null ? '(none)' : pauseText(value as Pause)];
  return [name, value === '' ? '(none)' : String(value)];
}

function jsonOf({ name, offset, sector, reading }: Block): object {
  if (reading.kind === 'null') return { block: name, offset, state: 'null' };
  if (reading.kind === 'damaged') {
    return {
      block: name,
      offset,
      state: 'damaged',
      why: reading.why,
      hex: Buffer.from(sector).toString('hex'),
    };
  }
  const frame = frameOf(sector);
  const { magic, version, clusterId: cluster, wallMs } = frame;
  const written = wallTime(wallMs) || null;
  return {
    block: name,
    offset,
    state: 'valid',
    magic,
    version,
    cluster,
    written,
    crc32c: crcText(frame),
    ...flat(reading.value),
  };
}

/** The block's own fields; the cluster stands in the frame, the timings are fields like others. */
function flat(value: Header | OwnershipRecord | NodeSlot): Record<string, unknown> {
  if (!('timings' in value)) return { ...value };
  const { clusterId: _, timings, ...rest } = value;
  return { ...rest, ...timings };
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
