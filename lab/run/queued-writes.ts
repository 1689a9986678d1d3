import { setTimeout as delay } from 'node:timers/promises';
import type { World } from '../engines/engine.ts';
import { ExpectationMissed } from './expectations.ts';
import type { Granted } from './facts.ts';
import type { Recorder } from './recorder.ts';

const PATIENCE_MS = 5000;
const LOOK_EVERY_MS = 20;

/**
 * A program in the server writes `depth` blocks at once, by the way the service has to the data area. Resolves when so many
 * writes or more wait in the target, whose disk is slow; what became of them is told when the program ends.
 */
export async function queueWrites(
  world: World,
  recorder: Recorder,
  owner: Granted,
  depth: number,
): Promise<void> {
  const name = `data@${owner.node}.${owner.epoch}.${owner.incarnation}`;
  const uri = `nbd+unix:///${name}?socket=${encodeURIComponent(world.dataSocket(owner.node))}`;
  const argv = ['queueWrites', '--uri', uri, '--depth', String(depth)];
  let ended: string | undefined;
  const run = world.runInServer(owner.node, argv).then(({ stdout, stderr }) => {
    ended = `${stdout}${stderr}`.trim();
    recorder.event({ event: 'note', text: `the queued writes of ${owner.node} are over: ${ended}` });
  });
  run.catch((error: Error) => (ended = error.message));
  const what = `${depth} writes of ${owner.node} wait in the target`;
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const waiting = await world.disk.waiting();
    const met = waiting >= depth;
    if (met || ended !== undefined || performance.now() > until) {
      const detail = ended === undefined ? `${waiting} do` : `${waiting} do; the program has ended: ${ended}`;
      recorder.event({ event: 'expected', what, met, otherwise: 'unknown', detail });
      if (met) return;
      throw new ExpectationMissed(`${what}: ${detail}`);
    }
    await delay(LOOK_EVERY_MS);
  }
}
