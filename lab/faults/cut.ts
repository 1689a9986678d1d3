import { alreadyEffective, type Fault } from './fault.ts';

/** Every packet between the server and the storage node is lost, silently. What was sent may arrive after the healing. */
export const cutDrop: Fault = cut('cut-drop', 'drop', 'cut from storage: packets vanish silently', {
  docker: "iptables (DROP) in the holder of the server's network",
  process: 'the relay between server and storage node reads nothing any more',
});

/** Connections of the server to the storage node are reset, and new ones refused. */
export const cutReset: Fault = cut(
  'cut-reset',
  'reset',
  'cut from storage: connections are reset and refused',
  {
    docker: "iptables (REJECT with a reset) and ss --kill in the holder of the server's network",
    process: 'the relay between server and storage node resets what is open and what is new',
  },
);

function cut(name: string, how: 'drop' | 'reset', summary: string, by: Fault['by']): Fault {
  return {
    name,
    summary,
    target: 'server',
    needs: how,
    by,
    async inject({ world }, server) {
      const seen = await world.cut(server, how);
      return {
        effective: alreadyEffective(seen),
        async heal() {
          return `the link carries packets again: ${await world.mend(server)}`;
        },
      };
    },
  };
}
