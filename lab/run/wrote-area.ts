import type { WorldLine } from '../engines/engine.ts';

/** The storage node carried out a write that came from there: an owner by the published method journals no heartbeats. */
export function wroteArea(line: WorldLine, peer: string, sinceT: number): boolean {
  if (line.from !== 'storage' || line.line.event !== 'quorum-write') return false;
  const { outcome, beganAt } = line.line;
  return line.line.peer.startsWith(peer) && outcome === 'ok' && beganAt >= sinceT;
}
