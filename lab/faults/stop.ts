import { alreadyEffective, type Fault, FaultImpossible } from './fault.ts';

/** A clean stop: SIGTERM to the agent, which ends the service, releases the area and goes (R8). */
export const stop: Fault = {
  name: 'stop',
  summary: 'clean stop: the agent is asked to end, and releases the area',
  target: 'server',
  powersOff: true,
  needs: 'end',
  by: {
    docker: "the engine sends SIGTERM to the server's container",
    process: 'SIGTERM to the agent',
  },
  async inject({ world, view }, server) {
    if ((await world.alive(server)) === 0) throw new FaultImpossible(`${server} has no process to stop`);
    const code = await world.stopServer(server);
    view.powerOff(server);
    if (code !== 0) throw new Error(`${server} was asked to stop and ended with exit code ${code}, not 0`);
    return {
      effective: alreadyEffective('the agent ended with exit code 0 and left no process'),
      async heal() {
        if ((await world.alive(server)) > 0) return 'was started already';
        view.powerOn(server);
        await world.startServer(server);
        return 'started again';
      },
    };
  },
};
