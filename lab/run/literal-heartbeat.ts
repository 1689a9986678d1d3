import type { WorldLine } from '../engines/engine.ts';

/**
 * The storage node carried out a heartbeat of this owner by the published method, which journals none: its epoch is
 * always 0. Any other server has to speak for itself, for a write alone does not show that its journal is still written.
 */
export function isLiteralHeartbeat(line: WorldLine, server: string, sinceT: number): boolean {
  if (line.from !== 'storage' || line.line.event !== 'quorum-write') return false;
  const { record, outcome, beganAt } = line.line;
  return record?.node === server && record.epoch === 0 && outcome === 'ok' && beganAt >= sinceT;
}
