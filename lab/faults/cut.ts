import { alreadyEffective, type Fault } from './fault.ts';

/** Every packet between the server and the storage node is lost, silently. What was sent may arrive after the healing. */
export const cutDrop: Fault = cut('cut-drop', 'drop', 'cut from storage: packets vanish silently');

/** Connections of the server to the storage node are reset, and new ones refused. */
export const cutReset: Fault = cut(
  'cut-reset',
  'reset',
  'cut from storage: connections are reset and refused',
);

function cut(name: string, how: 'drop' | 'reset', summary: string): Fault {
  return {
    name,
    summary,
    target: 'server',
    async inject({ world }, server) {
      const seen = await world.cut(server, how);
      return {
        effective: alreadyEffective(seen),
        async heal() {
          await world.mend(server);
          return 'the link carries packets again';
        },
      };
    },
  };
}
