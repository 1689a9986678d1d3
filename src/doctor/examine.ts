import { FileBlockDevice } from '../block/file.ts';
import { IscsiBlockDevice } from '../block/iscsi/device.ts';
import { NbdBlockDevice } from '../block/nbd/device.ts';
import { openBlockDevice } from '../block/open.ts';
import { formatIscsiUri } from '../block/uri-iscsi.ts';
import { type DeviceUri, parseDeviceUri } from '../block/uri.ts';
import { type BlockDevice, RequestFailed } from '../ports/block-device.ts';
import type { Timings } from '../protocol/types.ts';
import { type AreaFacts, areaSector, judgeArea, lookAtArea, observedBytes } from './area.ts';
import { isReserved, judgeClosed } from './closed.ts';
import { tryDiskReservations } from './disk-reservations.ts';
import { fileFacts, judgeFile } from './file.ts';
import { type Finding, problem } from './finding.ts';
import { fitOf, fittingTimings, proposalOf } from './fit.ts';
import { judgeGeometry } from './geometry.ts';
import { iscsiFindings, tryReservations } from './iscsi.ts';
import { judgeHolds } from './late.ts';
import { type Latency, latencyOf } from './latency.ts';
import { judgeNbd, nbdFacts, serverUri } from './nbd.ts';
import { anotherClient, judgeOther, type Other } from './other-client.ts';
import { DoctorRefuses } from './refusal.ts';
import type { ScratchRange } from './scratch.ts';
import { judgeReads, judgeWrites, tryOut } from './try-out.ts';
import type { Unfinished } from './unfinished.ts';

export interface ExamineOptions {
  /** How long latencies are measured. */
  seconds: number;
  /** Bytes that may be overwritten; without it nothing is written at all. */
  scratch: ScratchRange | undefined;
  /** Reservations may be taken, for a moment, on a unit that nobody is registered with. */
  tryReservations: boolean;
  /** Of one request, and of opening the storage. */
  deadlineMs: number;
  /** Aborted: what can be left out is, what was begun is undone. */
  signal: AbortSignal;
  unfinished: Unfinished;
}

/** What a storage can do, and how it is judged. */
export interface Diagnosis {
  /** Without secrets. */
  uri: string;
  /** What was found at the beginning; undefined where that was not looked at. */
  area: AreaFacts['kind'] | undefined;
  findings: Finding[];
  reads: Latency | undefined;
  writes: Latency | undefined;
  /** The shortest that fit, for a new area. */
  fitting: Timings | undefined;
  /** What was written, if anything. */
  scratch: ScratchRange | undefined;
}

/**
 * Looks at a storage and measures it. Writes nothing to a quorum area, and nothing anywhere but to `scratch`, which it zeroes
 * again. Rejects as `openBlockDevice` does when it cannot be reached, and with DoctorRefuses.
 */
export async function examine(uri: string, options: ExamineOptions): Promise<Diagnosis> {
  const parsed = parseDeviceUri(uri);
  try {
    return await examineDevice(uri, parsed, options);
  } catch (error) {
    const findings = await judgeClosed(parsed, error, options);
    if (findings === undefined) throw error;
    return unmeasured(nameOf(parsed), findings);
  }
}

async function examineDevice(uri: string, parsed: DeviceUri, options: ExamineOptions): Promise<Diagnosis> {
  await using device = await openBlockDevice(uri, options);
  const geometry = judgeGeometry(device);
  if (geometry.some(({ thing, state }) => thing === 'size' && state === 'problem'))
    return unmeasured(device.name, geometry);
  const area = await readable(lookAtArea(device, options.deadlineMs));
  if ('state' in area) return unmeasured(device.name, [...geometry, area]);
  return await measured(uri, parsed, device, area, geometry, options);
}

function nameOf(parsed: DeviceUri): string {
  if (parsed.kind === 'file') return parsed.path;
  return parsed.kind === 'nbd' ? serverUri(parsed.address) : formatIscsiUri(parsed.address);
}

function unmeasured(uri: string, findings: Finding[]): Diagnosis {
  const nothing = { reads: undefined, writes: undefined, fitting: undefined, scratch: undefined };
  return { uri, area: undefined, findings: named(findings, uri), ...nothing };
}

/** Errors name the device they are about; under its own name that is said already. */
function named(findings: readonly Finding[], uri: string): Finding[] {
  return findings.map((finding) => ({ ...finding, why: finding.why.replaceAll(`${uri}: `, '') }));
}

/** A storage that answers a read with an error was reached; one that does not answer, or not to this client, was not. */
async function readable(look: Promise<AreaFacts>): Promise<AreaFacts | Finding> {
  try {
    return await look;
  } catch (error) {
    if (!(error instanceof RequestFailed) || error.code === 'ENOTCONN' || isReserved(error)) throw error;
    return problem('reads', error.message, 'make the storage readable, and come back');
  }
}

async function measured(
  uri: string,
  parsed: DeviceUri,
  device: BlockDevice,
  area: AreaFacts,
  geometry: Finding[],
  options: ExamineOptions,
): Promise<Diagnosis> {
  const tried = options.tryReservations ? await trial(parsed, device, area, options) : [];
  await using other = parsed.kind === 'file' ? undefined : await anotherClient(uri, options.deadlineMs);
  const seen = await tryOut(device, area, other?.device, options);
  const reads = latencyOf(seen.reads);
  const writes = seen.writes === undefined ? undefined : latencyOf(seen.writes);
  const fitting =
    reads === undefined ? undefined : fittingTimings(writes === undefined ? [reads] : [reads, writes]);
  const timings = area.kind === 'area' ? area.header.timings : fitting;
  const findings = [
    ...geometry,
    judgeArea(area),
    ...(await judgeKind(parsed, device, area, { other, timings, deadlineMs: options.deadlineMs })),
    ...tried,
    ...judgeOther(other, seen.seenByOther),
    ...judgeReads(seen.reads),
    ...judgeWrites(seen, device, area, options.scratch),
    ...(reads === undefined
      ? []
      : [area.kind === 'area' ? fitOf(area.header, reads, writes) : proposalOf(fitting, reads, writes)]),
  ];
  const scratch = seen.writes === undefined ? undefined : options.scratch;
  return {
    ...{ uri: device.name, area: area.kind, findings: named(findings, device.name) },
    ...{ reads, writes, fitting, scratch },
  };
}

/** Never where a quorum area may be: a reservation would shut out the servers that use it. */
async function trial(
  parsed: DeviceUri,
  device: BlockDevice,
  area: AreaFacts,
  options: ExamineOptions,
): Promise<Finding[]> {
  const isDisk = parsed.kind === 'file' && parsed.path.startsWith('/dev/');
  if (parsed.kind !== 'iscsi' && !isDisk)
    throw new DoctorRefuses(`${device.name}: --try-reservations is for iSCSI and SCSI disks`, 'usage');
  if (area.kind === 'area' || area.kind === 'damaged') {
    const why = 'a quorum area is there, and a reservation would shut its servers out';
    throw new DoctorRefuses(`${device.name}: --try-reservations: ${why}; try it on the data area`, 'storage');
  }
  return parsed.kind === 'iscsi'
    ? tryReservations(parsed.address, options)
    : tryDiskReservations(parsed.path, options);
}

interface KindOptions {
  other: Other | undefined;
  timings: Timings | undefined;
  deadlineMs: number;
}

async function judgeKind(
  parsed: DeviceUri,
  device: BlockDevice,
  area: AreaFacts,
  { other, timings, deadlineMs }: KindOptions,
): Promise<Finding[]> {
  const sectorBytes = areaSector(area, device.sectorBytes) ?? device.sectorBytes;
  if (parsed.kind === 'file' && device instanceof FileBlockDevice) {
    const facts = await fileFacts(device, parsed.path, deadlineMs);
    return [...judgeFile(facts, sectorBytes), judgeHolds(facts.disk?.holds ?? [], timings)];
  }
  if (parsed.kind === 'nbd' && device instanceof NbdBlockDevice) {
    const served = other?.device !== undefined;
    const facts = await nbdFacts(device, parsed.address, { served, deadlineMs });
    return [...judgeNbd(facts, observedBytes(area, device)), judgeHolds('own client', timings)];
  }
  if (parsed.kind === 'iscsi' && device instanceof IscsiBlockDevice) {
    const view = { sectorBytes, durability: device.durability };
    return [...(await iscsiFindings(parsed.address, view, deadlineMs)), judgeHolds('own client', timings)];
  }
  return [];
}
