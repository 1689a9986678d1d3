import { alreadyEffective, type Fault, FaultImpossible } from './fault.ts';

/** Starves parts of a server: the agent and its guard do not run while the service does. Only the gate is left to protect the data. */
export const stall: Fault = {
  name: 'stall',
  summary: 'starve some processes of the server (default: agent and guard)',
  target: 'server',
  onceAtATime: true,
  needs: 'stall',
  by: {
    docker: 'SIGSTOP, from inside the container, to the parts',
    process: 'SIGSTOP to the parts',
  },
  async inject({ world }, server, options) {
    const parts = options.parts ?? (['agent', 'guard'] as const);
    if ((await world.alive(server)) === 0) throw new FaultImpossible(`${server} has no process to stall`);
    await world.stall(server, parts);
    let stalled = true;
    return {
      effective: alreadyEffective(`${parts.join(' and ')} seen stopped`),
      async heal() {
        if (!stalled) return 'was taken back already';
        stalled = false;
        if ((await world.alive(server)) === 0) return 'it has lost its power since: nothing is left to go on';
        await world.unstall(server, parts);
        return `${parts.join(' and ')} run again`;
      },
    };
  },
};
