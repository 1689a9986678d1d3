import type { BlockDevice } from '../ports/block-device.ts';
import { type AreaFacts, areaSector, observedBytes, reservedBytes } from './area.ts';
import { type Finding, problem, untried } from './finding.ts';
import type { Samples } from './latency.ts';
import { sample } from './measure.ts';
import { Scratch, type ScratchRange, shownRange } from './scratch.ts';
import type { Unfinished } from './unfinished.ts';

export interface TryOptions {
  seconds: number;
  scratch: ScratchRange | undefined;
  deadlineMs: number;
  signal: AbortSignal;
  unfinished: Unfinished;
}

/** What came of the requests made to find out what they cost. */
export interface Measured {
  reads: Samples;
  /** Undefined without a range that may be overwritten. */
  writes: Samples | undefined;
  /** Whether another client read what was written; undefined where that was not tried. */
  seenByOther: boolean | undefined;
  /** Why the scratch range may not be zero again; undefined when it is. */
  leftBehind: string | undefined;
}

/** Reads what a heartbeat reads and, with consent, writes a sector after it as a heartbeat does, for some seconds. */
export async function tryOut(
  device: BlockDevice,
  area: AreaFacts,
  other: BlockDevice | undefined,
  options: TryOptions,
): Promise<Measured> {
  const { deadlineMs, signal } = options;
  const bytes = observedBytes(area, device);
  const read = { bytes, request: () => device.read(0, bytes, deadlineMs) };
  const scratch = await scratchOn(device, area, options);
  if (scratch === undefined) {
    const [reads] = await sample([read], options.seconds * 1000, signal);
    return { reads: reads!, writes: undefined, seenByOther: undefined, leftBehind: undefined };
  }
  options.unfinished.watch(() => scratch.dirty);
  const write = { bytes: scratch.writeBytes, request: () => scratch.write(), stopAtFailure: true };
  const [reads, writes] = await sample([read, write], options.seconds * 1000, signal);
  const seenByOther =
    signal.aborted || other === undefined ? undefined : await scratch.isSeenBy(other).catch(() => undefined);
  return { reads: reads!, writes: writes!, seenByOther, leftBehind: await putBack(scratch) };
}

async function scratchOn(
  device: BlockDevice,
  area: AreaFacts,
  { scratch, deadlineMs }: TryOptions,
): Promise<Scratch | undefined> {
  if (scratch === undefined) return undefined;
  const writeBytes = Math.max(areaSector(area, device.sectorBytes) ?? 0, device.sectorBytes);
  const reserved = reservedBytes(area, device.sectorBytes);
  return Scratch.prepare(device, scratch, { writeBytes, reservedBytes: reserved, deadlineMs });
}

async function putBack(scratch: Scratch): Promise<string | undefined> {
  try {
    await scratch.restore();
  } catch (error) {
    return `it could not be zeroed: ${(error as Error).message}`;
  }
  return scratch.uncertain ? 'a write to it failed or was never answered, and may still land' : undefined;
}

export function judgeReads({ failures }: Samples): Finding[] {
  if (failures.length === 0) return [];
  return [failing('reads', failures)];
}

export function judgeWrites(
  { writes, leftBehind }: Measured,
  device: BlockDevice,
  area: AreaFacts,
  scratch: ScratchRange | undefined,
): Finding[] {
  if (writes === undefined) return [unmeasuredWrites(device, area)];
  const findings = writes.failures.length === 0 ? [] : [failing('writes', writes.failures)];
  if (leftBehind !== undefined) {
    const why = `bytes ${shownRange(scratch!)} may not be zero again: ${leftBehind}`;
    findings.push(problem('scratch', why, 'look at them before anything else uses them'));
  }
  return findings;
}

function failing(thing: string, failures: readonly string[]): Finding {
  const times = failures.length === 1 ? 'one failed' : `${failures.length} failed, the first so`;
  return problem(thing, `${times}: ${failures[0]}`, 'mend the storage, or the way to it; see its own log');
}

function unmeasuredWrites(device: BlockDevice, area: AreaFacts): Finding {
  const thing = 'writes';
  if (device.readOnly) return untried(thing, 'not measured: the storage is read-only');
  const sector = Math.max(areaSector(area, device.sectorBytes) ?? 0, device.sectorBytes);
  const last = Math.floor(device.sizeBytes / sector) * sector - sector;
  const why = 'not measured: that takes bytes that may be overwritten';
  if (last < reservedBytes(area, device.sectorBytes)) return untried(thing, why);
  return untried(thing, why, `--scratch ${last}+${sector}, or another range that nothing uses`);
}
