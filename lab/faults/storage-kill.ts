import { alreadyEffective, type Fault, FaultImpossible } from './fault.ts';

/** The storage node's process is killed; healing starts it again over the same disks. */
export const storageKill: Fault = {
  name: 'storage-kill',
  summary: 'the storage node is killed, and started again when healed',
  target: 'storage',
  needs: 'end',
  by: {
    docker: "the engine kills the storage node's container",
    process: "SIGKILL to every process that carries the storage node's mark",
  },
  async inject({ world }) {
    const before = await world.alive('storage');
    if (before === 0) throw new FaultImpossible('the storage node has no process to kill');
    await world.killStorage();
    const left = await world.alive('storage');
    if (left !== 0) throw new Error(`the storage node still has ${left} processes after the kill`);
    let down = true;
    return {
      effective: alreadyEffective(`${before} processes before, none after`),
      async heal() {
        if (down) await world.startStorage();
        down = false;
        return 'the storage node listens again';
      },
    };
  },
};
