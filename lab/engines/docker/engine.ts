import type { Engine, World, WorldSpec } from '../engine.ts';
import { connect } from './connect.ts';
import { ensureLabImage } from './lab-image.ts';
import { startReaperProcess } from './reaper.ts';
import { DockerWorld } from './world.ts';

/** The real thing: containers of their own for every server, on networks of their own, around a real storage node. */
export const dockerEngine: Engine = {
  name: 'docker',
  async create(spec: WorldSpec): Promise<World> {
    const docker = connect();
    const image = await ensureLabImage(docker, (text) => process.stderr.write(`lab: ${text}\n`));
    const world = new DockerWorld(docker, spec, image, startReaperProcess(spec.labId));
    try {
      await world.bringUp();
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
    return world;
  },
};
