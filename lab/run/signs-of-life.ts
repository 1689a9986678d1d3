import type { World } from '../engines/engine.ts';
import type { ClusterView } from './cluster-view.ts';
import { ExpectationMissed } from './expectations.ts';
import { isLiteralHeartbeat } from './literal-heartbeat.ts';
import type { Recorder } from './recorder.ts';
import type { Waits } from './waits.ts';

/**
 * Every server that is not switched off shows that it lives: by processes, and by a line of its journal that is newer
 * than `sinceT` (monotonic nanoseconds). What the lab remembers of a server proves nothing: it may have died since.
 */
export async function everyServerLives(
  world: World,
  view: ClusterView,
  waits: Waits,
  recorder: Recorder,
  sinceT: number,
): Promise<void> {
  const on = view.names.filter((server) => view.server(server).role !== 'off');
  for (const server of on) await hasProcesses(world, recorder, server);
  const heard = (server: string) =>
    recorder.lines.some(
      (line) =>
        (line.from === 'server' && line.server === server && line.line.t > sinceT) ||
        isLiteralHeartbeat(line, server, sinceT),
    );
  for (const server of on) await waits.until(() => heard(server), `${server} to be heard of again`);
  // Once more: it may have said its last word.
  for (const server of on) await hasProcesses(world, recorder, server);
}

/** What ended unasked is not waited for, and no run that it happened in comes to a good end. */
export function nobodyEndedUnasked(recorder: Recorder): void {
  for (const event of recorder.events) {
    if (event.event !== 'process-ended' || event.wanted) continue;
    const how = event.signal ?? `exit code ${event.code}`;
    throw new ExpectationMissed(`${event.server} ended with ${how}, and nobody had asked it to`);
  }
}

async function hasProcesses(world: World, recorder: Recorder, server: string): Promise<void> {
  if ((await world.alive(server)) > 0) return;
  const what = `${server} is running`;
  const detail = 'it has no process, and was not switched off';
  recorder.event({ event: 'expected', what, met: false, otherwise: 'violated', detail });
  throw new ExpectationMissed(`${what}: ${detail}`);
}
