import { decodeArea } from '../area/area.ts';
import { findHeader } from '../area/header.ts';
import { areaBytes, HEADER_PROBE_BYTES, SECTOR_SIZES } from '../area/layout.ts';
import { carriesSecret, parseDeviceUri } from '../block/uri.ts';
import { withoutSecret } from '../block/uri-parts.ts';
import { type BlockDevice, DeviceUnusable } from '../ports/block-device.ts';
import type { AreaReading, Header, Reading } from '../protocol/types.ts';
import { CommandError, EXIT } from './errors.ts';

/** Deadline of one request of a command, and of opening the device. People wait, agents do not: theirs is q. */
export const REQUEST_DEADLINE_MS = 5000;

/** Opens the device behind a URI, for a server of the cluster or for a person. Throws CommandError or DeviceUnusable. */
export async function openDevice(
  uri: string,
  initiator?: { node: string; alias: string },
): Promise<BlockDevice> {
  requireUri(uri);
  const { openBlockDevice } = await import('../block/open.ts');
  return openBlockDevice(uri, { deadlineMs: REQUEST_DEADLINE_MS, ...(initiator && { initiator }) });
}

/** Of a URI in an argument: those are shown to everybody on this machine (ps, /proc), and kept in the history of a shell. */
export function requireNoSecret(uri: string): void {
  if (!carriesSecret(uri)) return;
  const rule =
    'a secret in an argument can be read by everybody on this machine; name its file with chap-secret-file=PATH in the query, or set LIBISCSI_CHAP_PASSWORD in the environment';
  throw new CommandError(`${withoutSecret(uri)}: ${rule}`, EXIT.usage);
}

/** A URI that cannot be one is a wrong argument, not a storage that fails. */
export function requireUri(uri: string): void {
  try {
    parseDeviceUri(uri);
  } catch (error) {
    if (error instanceof DeviceUnusable) throw new CommandError(error.message, EXIT.usage, { cause: error });
    throw error;
  }
}

/** The beginning of the device, as much as may hold a header. Throws CommandError when there is not even that. */
export async function readBeginning(device: BlockDevice): Promise<Uint8Array> {
  const least = Math.max(SECTOR_SIZES[0], device.sectorBytes);
  if (device.sizeBytes < least) {
    throw unusable(
      device,
      `too small for a quorum area: ${device.sizeBytes} bytes, a header alone has ${least}`,
    );
  }
  const length = Math.min(HEADER_PROBE_BYTES, device.sizeBytes);
  return device.read(0, length - (length % device.sectorBytes), REQUEST_DEADLINE_MS);
}

/** The header of a formatted area that this program can read and that is all there; otherwise CommandError. */
export async function readHeader(device: BlockDevice): Promise<Header> {
  return formatted(device, findHeader(await readBeginning(device)));
}

export async function readArea(device: BlockDevice, header: Header): Promise<AreaReading> {
  const { sectorBytes, slots, clusterId } = header;
  const bytes = await device.read(0, areaBytes(sectorBytes, slots), REQUEST_DEADLINE_MS);
  return decodeArea(bytes, sectorBytes, slots, clusterId);
}

/** `URI: what is wrong with it`, exit code 3. */
export function unusable(device: BlockDevice, problem: string, options?: ErrorOptions): CommandError {
  return new CommandError(`${device.name}: ${problem}`, EXIT.infrastructure, options);
}

export function unformatted(device: BlockDevice): CommandError {
  return unusable(device, 'not formatted; `arbiter init` lays out a quorum area');
}

function formatted(device: BlockDevice, reading: Reading<Header>): Header {
  if (reading.kind === 'null') throw unformatted(device);
  if (reading.kind === 'damaged')
    throw unusable(device, `no quorum area that can be read: header ${reading.why}`);
  const { sectorBytes, slots } = reading.value;
  const length = areaBytes(sectorBytes, slots);
  if (device.sizeBytes < length) {
    const size = `${slots} slots in sectors of ${sectorBytes} bytes need ${length} bytes`;
    throw unusable(device, `the export was cut short: ${size}, it has ${device.sizeBytes}`);
  }
  return reading.value;
}
