import type { Timings } from '../../src/protocol/types.ts';
import type { WorldSpec } from '../engines/engine.ts';
import type { StorageKind } from '../engines/storage.ts';
import type { AgentMode } from '../history/events.ts';
import { randomBytes } from 'node:crypto';
import type { ScenarioOptions } from './scenario.ts';

/**
 * The lab's timings: as short as two busy cores allow. D = 2000 ms and L = 1700 ms, so that a scheduler gap of a few
 * hundred milliseconds costs a heartbeat and not the lease; 2.12 S + 3 q = 1598 ms and T + 3 q + stop = 1550 ms, both below L.
 */
export const labTimings: Timings = {
  intervalMs: 400,
  misses: 5,
  settleMs: 400,
  deadlineMs: 250,
  stopGraceMs: 400,
};

const DATA_BYTES = 8 * 1024 * 1024;

/** What keeps everybody but the owner from the data area. */
function fencingOver(storage: StorageKind): AgentMode['fencing'] {
  return storage === 'tgt' ? 'reservation' : 'gate';
}

/** A world without what listens to it. */
export type UnheardSpec = Omit<WorldSpec, 'onLine' | 'onEnd'>;

/** The world a scenario asks for. */
export function worldSpec(
  options: ScenarioOptions,
  { dir, seed, storage }: Pick<WorldSpec, 'dir' | 'storage'> & { seed: number },
): UnheardSpec {
  return {
    labId: randomBytes(4).toString('hex'),
    dir,
    servers: Array.from({ length: options.servers }, (_, i) => `server-${i + 1}`),
    timings: labTimings,
    agent: { protocol: 'safe', fencing: fencingOver(storage), guard: true, ...options.agent },
    gate: { fencing: true, ...options.gate },
    storage,
    dataBytes: DATA_BYTES,
    client: { workers: 3, thinkMs: 20, seed },
  };
}
