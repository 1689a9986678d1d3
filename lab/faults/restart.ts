import { alreadyEffective, type Fault } from './fault.ts';
import { kill } from './kill.ts';

/**
 * A power cycle: killed and switched on again at once, as a new incarnation. Effective when it is dead, for that is what
 * a takeover is measured from; whether it came back is looked at when it is healed.
 */
export const restart: Fault = {
  name: 'restart',
  summary: 'power cycle: killed and switched on again at once',
  target: 'server',
  powersOff: true,
  needs: 'end',
  by: {
    docker: "the server's container is killed and started",
    process: 'SIGKILL to every process of the server, then a new agent',
  },
  async inject(context, server, options) {
    const killed = await kill.inject(context, server, options);
    const seen = await killed.effective;
    const switchedOn = killed.heal();
    switchedOn.catch(() => {}); // told when it is healed
    return {
      effective: alreadyEffective(`${seen}; being switched on again`),
      async heal() {
        await switchedOn;
        const processes = await context.world.alive(server);
        if (processes === 0) throw new Error(`${server} was switched on again, and has no process`);
        return `switched on again: ${processes} processes`;
      },
    };
  },
};
