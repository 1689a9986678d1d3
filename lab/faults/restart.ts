import type { Fault } from './fault.ts';
import { kill } from './kill.ts';

/** A power cycle: killed and switched on again at once, as a new incarnation. */
export const restart: Fault = {
  name: 'restart',
  summary: 'power cycle: killed and switched on again at once',
  target: 'server',
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
