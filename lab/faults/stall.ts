import { alreadyEffective, type Fault } from './fault.ts';

/** Starves parts of a server: the agent and its guard do not run while the service does. Only the gate is left to protect the data. */
export const stall: Fault = {
  name: 'stall',
  summary: 'starve some processes of the server (default: agent and guard)',
  target: 'server',
  needs: 'stall',
  by: {
    docker: 'SIGSTOP, from inside the container, to the parts',
    process: 'SIGSTOP to the parts',
  },
  async inject({ world }, server, options) {
    const parts = options.parts ?? (['agent', 'guard'] as const);
    await world.stall(server, parts);
    let stalled = true;
    return {
      effective: alreadyEffective(`${parts.join(' and ')} seen stopped`),
      async heal() {
        if (stalled) await world.unstall(server, parts);
        stalled = false;
        return `${parts.join(' and ')} run again`;
      },
    };
  },
};
