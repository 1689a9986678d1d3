import { alreadyEffective, type Fault, FaultImpossible } from './fault.ts';

/** Every write to the disk of the data area takes until it is healed: what the target was told to write queues up in it. */
export const slowDisk: Fault = {
  name: 'slow-disk',
  summary: 'every write to the disk of the data area waits in the target, until healed (tgt)',
  target: 'storage',
  onceAtATime: true,
  needs: 'slow',
  by: {
    docker: "strace, in the storage node's container, delays the target's writes",
    process: "strace delays the target's writes",
  },
  async inject({ world }) {
    const seen = await world.disk.on().catch((error: Error) => {
      if (error.message.includes('no process of its own')) throw new FaultImpossible(error.message);
      throw error;
    });
    let healed: Promise<string> | undefined;
    return { effective: alreadyEffective(seen), heal: () => (healed ??= world.disk.off()) };
  },
};
