import { Story } from './story.ts';

/**
 * The storage node is killed at 5 s and back at 5.5 s, within the lease of its owner, which lost a heartbeat by it.
 * `between`: what happens before the owner appends again.
 */
export function storageKilled(between: (story: Story) => void = () => {}): Story {
  const story = new Story({ scenario: { atLeast: { acknowledged: 4 } } });
  story.observes(0.4, 2.5, 'server-1').observes(0.4, 8.5, 'server-2');
  story.active(3, 'server-1', 2, 5, false).letIn(3.001, 'server-1', 2).append(4, 'server-1', 2);
  story.append(4.5, 'server-1', 2);
  story.fault(4.99, 1, 'storage-kill', 'storage', 'requested');
  story.fault(5.05, 1, 'storage-kill', 'storage', 'effective');
  const failed = { epoch: 2, phase: 'write', outcome: 'unknown', reason: 'connection lost' } as const;
  story.journal(5.06, 'server-1', { event: 'heartbeat-failed', ...failed });
  story.gateRestarts(5.5, 'server-1', 2).fault(5.52, 1, 'storage-kill', 'storage', 'healed');
  story.admits(5.6, 'server-1', 2);
  between(story);
  for (let at = 5.8; at < 9; at += 0.4) story.lease(at, 'server-1', 2);
  return story.append(6, 'server-1', 2).append(7, 'server-1', 2).finish(8, 'server-1', 2);
}
