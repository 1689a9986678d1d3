import { areaBytes, slotOffset } from '../src/area/layout.ts';
import { openBlockDevice } from '../src/block/open.ts';
import { monotonicClock as clock } from '../src/host/clock.ts';

/** What one server of an idle cluster sees of its machine and its storage, cycle by cycle, in ms. */
export interface Trace {
  /** How much later than it was due the cycle began. */
  late: number[];
  /** Of one read of the whole area, and of one durable write of the own slot. */
  read: number[];
  write: number[];
}

/**
 * A process of its own that does what an agent does with every heartbeat, more often than one: `idle-probe.ts URI SLOT
 * SLOTS EVERY_MS SECONDS`. Prints a `Trace`.
 */
const [uri = '', slot = '0', slots = '1', everyMs = '10', seconds = '1'] = process.argv.slice(2);
const DEADLINE_MS = 10_000;

const device = await openBlockDevice(uri, { deadlineMs: DEADLINE_MS });
const trace: Trace = { late: [], read: [], write: [] };
const offset = slotOffset(512, Number(slot));
const length = areaBytes(512, Number(slots));
const endMs = clock.nowMs() + 1000 * Number(seconds);
for (let dueMs = clock.nowMs() + 1; dueMs < endMs; dueMs = Math.max(dueMs + Number(everyMs), clock.nowMs())) {
  await new Promise<void>((wake) => clock.at(dueMs, wake));
  const wokeMs = clock.nowMs();
  const area = await device.read(0, length, DEADLINE_MS);
  const readMs = clock.nowMs();
  await device.writeDurably(offset, area.slice(offset, offset + 512), DEADLINE_MS);
  trace.late.push(wokeMs - dueMs);
  trace.read.push(readMs - wokeMs);
  trace.write.push(clock.nowMs() - readMs);
}
await device[Symbol.asyncDispose]();
process.stdout.write(JSON.stringify(trace));
