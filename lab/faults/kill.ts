import { alreadyEffective, type Fault, FaultImpossible } from './fault.ts';

/** Power off: SIGKILL to every process of the server, guard and service included. Healing switches it on again. */
export const kill: Fault = {
  name: 'kill',
  summary: 'power off: every process of the server is killed at once',
  target: 'server',
  powersOff: true,
  needs: 'end',
  by: {
    docker: "the engine kills the server's container",
    process: "SIGKILL to every process that carries the server's mark",
  },
  async inject({ world, view }, server) {
    const before = await world.alive(server);
    if (before === 0) throw new FaultImpossible(`${server} has no process to kill`);
    await world.killServer(server);
    const after = await world.alive(server);
    if (after !== 0) throw new Error(`${server} still has ${after} processes after the kill`);
    view.powerOff(server);
    return {
      effective: alreadyEffective(`${before} processes before, none after`),
      async heal() {
        if ((await world.alive(server)) > 0) return 'was switched on already';
        view.powerOn(server);
        await world.startServer(server);
        return 'switched on again';
      },
    };
  },
};
