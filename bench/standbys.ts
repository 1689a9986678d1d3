import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { programs } from '../lab/engines/programs.ts';
import { decodeHeader } from '../src/area/header.ts';
import { areaBytes, slotOffset } from '../src/area/layout.ts';
import { openBlockDevice } from '../src/block/open.ts';
import type { BlockDevice } from '../src/ports/block-device.ts';
import type { Bench } from './report.ts';
import { startGate } from './servers.ts';
import { cpuSeconds } from './standby.ts';

const STANDBYS = 400;
const SECONDS = 15;
const NODES = 64;
const DEADLINE_MS = 5000;

/**
 * How many standbys at T = 1 s one core of a storage node carries: each reads the area and writes its slot once per T over
 * a connection of its own, as an agent does. Measured as the gate's use of a core under so many, and divided.
 */
export async function run(bench: Bench): Promise<void> {
  const gate = await startGate(await bench.folder(), 65_536, bench.signal);
  const names = Array.from({ length: NODES }, (_, i) => `n${i}`).join(',');
  await execa(process.execPath, [programs.arbiter, 'init', gate.uri('quorum'), '--nodes', names]);
  const opening = Array.from({ length: STANDBYS }, () =>
    openBlockDevice(gate.uri('quorum'), { deadlineMs: DEADLINE_MS }),
  );
  const devices = await Promise.all(opening);
  const header = decodeHeader(await devices[0]!.read(0, 512, DEADLINE_MS));
  if (header.kind !== 'valid') throw new Error('the area was not laid out');
  const stop = new AbortController();
  const standbys = devices.map((device, i) => standBy(device, i, stop.signal));
  await delay(1000);
  const before = await cpuSeconds(gate.pid);
  await delay(SECONDS * 1000);
  const share = ((await cpuSeconds(gate.pid)) - before) / SECONDS;
  stop.abort();
  await Promise.all(standbys);
  for (const device of devices) await device[Symbol.asyncDispose]();
  bench.title(`standbys at T = 1 s per core of the storage node (area of ${NODES} slots)`);
  bench.row('', 'figure', 'target');
  bench.row(`share of a core with ${STANDBYS}`, `${(share * 100).toFixed(1)} %`);
  bench.row('standbys per core', (STANDBYS / share).toFixed(0), '2000');
}

/** One heartbeat of a standby per second, begun at its own phase. */
async function standBy(device: BlockDevice, index: number, signal: AbortSignal): Promise<void> {
  const slot = index % NODES;
  await delay((1000 * index) / STANDBYS);
  while (!signal.aborted) {
    const area = await device.read(0, areaBytes(512, NODES), DEADLINE_MS);
    const offset = slotOffset(512, slot);
    await device.writeDurably(offset, area.slice(offset, offset + 512), DEADLINE_MS);
    await delay(1000, undefined, { signal }).catch(() => {});
  }
}
