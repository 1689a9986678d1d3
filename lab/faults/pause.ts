import { alreadyEffective, type Fault, FaultImpossible } from './fault.ts';

/** Freezes a server: all of its processes, guard included, stop before any goes on. Its clock runs on. */
export const pause: Fault = {
  name: 'pause',
  summary: 'freeze: every process of the server stops, and goes on when healed',
  target: 'server',
  onceAtATime: true,
  needs: 'freeze',
  by: {
    docker: "the kernel's freezer stops the server's container, seen in its cgroup",
    process: 'SIGSTOP to every process of the server, until all are seen stopped',
  },
  async inject({ world }, server) {
    const processes = await world.alive(server);
    if (processes === 0) throw new FaultImpossible(`${server} has no process to freeze`);
    await world.freeze(server);
    let frozen = true;
    return {
      effective: alreadyEffective(`all ${processes} processes seen stopped`),
      async heal() {
        if (!frozen) return 'was thawed already';
        frozen = false;
        if ((await world.alive(server)) === 0) return 'it has lost its power since: nothing is left to thaw';
        await world.thaw(server);
        return 'thawed';
      },
    };
  },
};
