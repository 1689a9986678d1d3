import type { Fault } from './fault.ts';
import { kill } from './kill.ts';

/** A power cycle: killed and switched on again at once, as a new incarnation. */
export const restart: Fault = {
  name: 'restart',
  summary: 'power cycle: killed and switched on again at once',
  target: 'server',
  needs: 'end',
  by: {
    docker: "the server's container is killed and started",
    process: 'SIGKILL to every process of the server, then a new agent',
  },
  async inject(context, server, options) {
    const killed = await kill.inject(context, server, options);
    const seen = await killed.effective;
    await killed.heal();
    return {
      effective: Promise.resolve(`${seen}; switched on again`),
      heal: () => Promise.resolve('is running'),
    };
  },
};
