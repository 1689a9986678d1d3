import { Story } from './story.ts';

/** server-2 takes over from server-1, which was hit at 5 s, and serves at `serving`; a heartbeat takes 4 ms. */
export function takenOver(serving: number, skipsDeathWait = false, servers?: string[]): Story {
  return hit(serving, true, servers).takeover(5, serving, 'server-1', 'server-2', 3, skipsDeathWait);
}

/** The same, before the lab says what it makes of it. */
export function hit(serving: number, isGranted = true, servers = ['server-1', 'server-2']): Story {
  const story = new Story({ servers })
    .active(3, 'server-1', 2, 5)
    .active(serving - 0.025, 'server-2', 3, serving + 3);
  story.fault(4.9, 1, 'kill', 'server-1', 'requested').fault(5, 1, 'kill', 'server-1', 'effective');
  if (isGranted) story.letIn(serving - 0.024, 'server-2', 3);
  return story.letIn(3.001, 'server-1', 2);
}
