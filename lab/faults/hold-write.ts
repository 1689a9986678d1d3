import type { Fault } from './fault.ts';

const SECTOR_BYTES = 512;

/** The next write of one server to the ownership record (or a slot) waits at the gate, and lands when healed: late. */
export const holdWrite: Fault = {
  name: 'hold-write',
  summary: 'the next write of the server to the ownership record waits at the gate',
  target: 'server',
  needs: 'hold',
  by: {
    docker: "a rule of the gate, set from inside the storage node's container",
    process: 'a rule of the gate, set at its control socket',
  },
  async inject({ world, lines }, server, options) {
    const offset = options.block === 'slot' ? undefined : SECTOR_BYTES;
    const rule = { peer: world.peerAddress(server), export: 'quorum', op: 'write', offset, action: 'hold' };
    const { id } = (await world.storageControl('POST', '/rules', rule)) as { id: string };
    const holding = lines.line(
      (line) =>
        line.from === 'storage' &&
        line.line.event === 'rule' &&
        line.line.id === id &&
        line.line.state === 'holding',
      30_000,
      `a write of ${server} to be held at the gate (rule ${id})`,
    );
    let held = true;
    return {
      effective: holding.then(() => `rule ${id} holds a write of ${server}`),
      async heal() {
        if (held) await world.storageControl('POST', `/rules/${id}/release`);
        held = false;
        return 'the held write was let through';
      },
    };
  },
};
