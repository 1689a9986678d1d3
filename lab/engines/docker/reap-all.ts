import { engineState } from './connect.ts';
import { reap } from './reaper.ts';

/** Removes what labs left behind whose controller is gone: containers, networks, volumes; in words what that was. */
export async function reapContainers(): Promise<string> {
  const state = await engineState();
  if (!state.answers) return `no container looked for (${state.why})`;
  const { containers, networks, volumes } = await reap({ orphans: true });
  return `${containers} containers, ${networks} networks, ${volumes} volumes`;
}
