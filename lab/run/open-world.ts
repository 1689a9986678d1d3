import { LineWaiter } from '../engines/bring-up.ts';
import type { Engine, MemberEnd, World } from '../engines/engine.ts';
import { ClusterView } from './cluster-view.ts';
import type { UnheardSpec } from './defaults.ts';
import { Lab } from './lab.ts';
import type { Recorder } from './recorder.ts';
import { startStallProbe } from './stall-probe.ts';

export interface OpenedWorld {
  world: World;
  lab: Lab;
  view: ClusterView;
  close(): Promise<void>;
}

/** Brings a world up, with everything that listens to it. An abort while it comes up takes it down again. */
export async function openWorld(
  scenario: string,
  spec: UnheardSpec,
  engine: Engine,
  recorder: Recorder,
  signal: AbortSignal,
): Promise<OpenedWorld> {
  const { servers, timings, agent, gate, storage } = spec;
  const view = new ClusterView(servers);
  const lines = new LineWaiter((line) => {
    recorder.line(line);
    view.learn(line);
  });
  const onEnd = ({ member, ...how }: MemberEnd) => {
    view.agentEnded(member);
    recorder.event({ event: 'process-ended', server: member, ...how });
  };
  const world = await engine.create({ ...spec, onLine: (line) => lines.deliver(line), onEnd });
  if (signal.aborted) {
    await world[Symbol.asyncDispose]();
    throw signal.reason as Error;
  }
  const seed = spec.client.seed;
  recorder.event({
    event: 'lab-started',
    scenario,
    engine: engine.name,
    storage,
    seed,
    servers,
    timings,
    agent,
    gate,
  });
  const stopProbe = startStallProbe((gapMs, t) => recorder.event({ event: 'stall', gapMs, t }));
  const lab = new Lab(world, view, lines, recorder, spec);
  return {
    ...{ world, lab, view },
    async close() {
      stopProbe();
      await world[Symbol.asyncDispose]();
      lines.close();
      recorder.event({ event: 'lab-ended' });
    },
  };
}

/** The end of every world: the client finishes, the servers lose their power, and the disks are collected as they are. */
export async function shutDown(world: World, servers: readonly string[]): Promise<void> {
  await world.stopClient();
  for (const server of servers) await world.killServer(server);
  await world.collect();
}
