import { FileBlockDevice } from '../block/file.ts';
import { NbdBlockDevice } from '../block/nbd/device.ts';
import { openBlockDevice } from '../block/open.ts';
import { type DeviceUri, parseDeviceUri } from '../block/uri.ts';
import { type BlockDevice, DeviceUnusable, RequestFailed } from '../ports/block-device.ts';
import type { Timings } from '../protocol/types.ts';
import { type AreaFacts, judgeArea, lookAtArea, observedBytes } from './area.ts';
import { fileFacts, judgeFile } from './file.ts';
import { type Finding, problem } from './finding.ts';
import { fitOf, fittingTimings, proposalOf } from './fit.ts';
import { judgeGeometry } from './geometry.ts';
import { judgeHolds } from './late.ts';
import { type Latency, latencyOf } from './latency.ts';
import { askForGate, judgeGate, judgeNbd, nbdFacts, serverUri } from './nbd.ts';
import { anotherClient, judgeOther, type Other } from './other-client.ts';
import type { ScratchRange } from './scratch.ts';
import { judgeReads, judgeWrites, tryOut } from './try-out.ts';
import type { Unfinished } from './unfinished.ts';

export interface ExamineOptions {
  /** How long latencies are measured. */
  seconds: number;
  /** Bytes that may be overwritten; without it nothing is written at all. */
  scratch: ScratchRange | undefined;
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
  const opened = await open(uri, parsed, options.deadlineMs);
  if ('findings' in opened) return opened;
  await using device = opened;
  const geometry = judgeGeometry(device);
  if (geometry.some(({ thing, state }) => thing === 'size' && state === 'problem'))
    return unmeasured(device.name, geometry);
  const area = await readable(lookAtArea(device, options.deadlineMs));
  if ('state' in area) return unmeasured(device.name, [...geometry, area]);
  return await measured(uri, parsed, device, area, geometry, options);
}

/** A gate without an export's name is no device, and can be judged all the same: that is how an agent's file names it. */
async function open(uri: string, parsed: DeviceUri, deadlineMs: number): Promise<BlockDevice | Diagnosis> {
  try {
    return await openBlockDevice(uri, { deadlineMs });
  } catch (error) {
    const isGate = error instanceof DeviceUnusable && error.grantedEpoch !== undefined;
    if (!isGate || parsed.kind !== 'nbd' || parsed.exportName !== '') throw error;
    const gate = await askForGate(parsed.address, deadlineMs);
    return unmeasured(uri, [judgeGate({ gate, server: serverUri(parsed.address) })]);
  }
}

function unmeasured(uri: string, findings: Finding[]): Diagnosis {
  return {
    uri,
    area: undefined,
    findings,
    reads: undefined,
    writes: undefined,
    fitting: undefined,
    scratch: undefined,
  };
}

/** A storage that answers a read with an error was reached; one that does not answer was not. */
async function readable(look: Promise<AreaFacts>): Promise<AreaFacts | Finding> {
  try {
    return await look;
  } catch (error) {
    if (!(error instanceof RequestFailed) || error.code === 'ENOTCONN') throw error;
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
    ...judgeOther(other, seen.seenByOther),
    ...judgeReads(seen.reads),
    ...judgeWrites(seen, device, area, options.scratch),
    ...(reads === undefined
      ? []
      : [area.kind === 'area' ? fitOf(area.header, reads, writes) : proposalOf(fitting, reads, writes)]),
  ];
  const scratch = seen.writes === undefined ? undefined : options.scratch;
  return { uri: device.name, area: area.kind, findings, reads, writes, fitting, scratch };
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
  if (parsed.kind === 'file' && device instanceof FileBlockDevice) {
    const facts = await fileFacts(device, parsed.path);
    return [...judgeFile(facts), judgeHolds(facts.disk?.holds ?? [], timings)];
  }
  if (parsed.kind === 'nbd' && device instanceof NbdBlockDevice) {
    const served = other?.device !== undefined;
    const facts = await nbdFacts(device, parsed.address, { served, deadlineMs });
    return [...judgeNbd(facts, observedBytes(area, device)), judgeHolds('own client', timings)];
  }
  return [];
}
