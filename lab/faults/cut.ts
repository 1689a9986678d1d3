import type { World } from '../engines/engine.ts';
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

/** The cuts in force on the link of a server, the last one made last. */
const inForce = new WeakMap<World, Map<string, { how: 'drop' | 'reset' }[]>>();

function cutsOf(world: World, server: string): { how: 'drop' | 'reset' }[] {
  const servers = inForce.get(world) ?? new Map<string, { how: 'drop' | 'reset' }[]>();
  inForce.set(world, servers);
  const cuts = servers.get(server) ?? [];
  servers.set(server, cuts);
  return cuts;
}

function cut(name: string, how: 'drop' | 'reset', summary: string, by: Fault['by']): Fault {
  return {
    name,
    summary,
    target: 'server',
    onceAtATime: true,
    needs: how,
    by,
    async inject({ world }, server) {
      const seen = await world.cut(server, how);
      const own = { how };
      cutsOf(world, server).push(own);
      return {
        effective: alreadyEffective(seen),
        async heal() {
          const cuts = cutsOf(world, server);
          const at = cuts.indexOf(own);
          if (at < 0) return 'was mended already';
          cuts.splice(at, 1);
          const other = cuts.at(-1);
          if (other === undefined) return `the link carries packets again: ${await world.mend(server)}`;
          return `the link stays cut by another fault: ${await world.cut(server, other.how)}`;
        },
      };
    },
  };
}
