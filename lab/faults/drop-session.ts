import { alreadyEffective, type Fault, FaultImpossible } from './fault.ts';

/** The storage node tells of the end once the target has answered what it had been told, after 10 s at the latest. */
const ENDED_WITHIN_MS = 15_000;

/** The connection over which a server has the data area ends, at the storage node; everything else of it stays. */
export const dropSession: Fault = {
  name: 'drop-session',
  summary: "the storage node ends the server's connection with the data area",
  target: 'server',
  needs: 'hold',
  by: {
    docker: "an order to the storage node, given from inside the storage node's container",
    process: 'an order to the storage node, given at its control socket',
  },
  async inject({ world, lines, view }, server) {
    const connection = view.dataConnection(server);
    if (connection === undefined) throw new FaultImpossible(`${server} has no connection with the data area`);
    const what = `connection ${connection} of ${server} to end`;
    const ended = lines.line(
      (line) =>
        line.from === 'storage' && line.line.event === 'disconnected' && line.line.connection === connection,
      ENDED_WITHIN_MS,
      what,
    );
    ended.catch(() => {}); // told below, unless the order itself fails
    await world.storageControl('DELETE', `/connections/${connection}`);
    await ended;
    return {
      effective: alreadyEffective(`connection ${connection} ended`),
      heal: () => Promise.resolve('it may come back as it likes'),
    };
  },
};
