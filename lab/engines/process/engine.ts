import { rm } from 'node:fs/promises';
import type { Engine, World, WorldSpec } from '../engine.ts';
import { takeAddresses } from './addresses.ts';
import { ProcessWorld } from './world.ts';
import { labFolder, startReaper } from './reaper.ts';

/** Child processes on loopback addresses, every link to the storage node through the lab's relay. Needs nothing but Linux. */
export const processEngine: Engine = {
  name: 'process',
  async create(spec: WorldSpec): Promise<World> {
    const directory = await labFolder();
    const reaper = startReaper(spec.labId, directory);
    const world = new ProcessWorld(spec, directory, reaper, await takeAddresses(spec.client.seed));
    try {
      await world.bringUp();
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  },
};
