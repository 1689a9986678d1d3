import { Story, type StoryOptions } from './story.ts';

/** Active killed, standby takes over within its bound, client none the wiser: every checker finds it valid. */
export function goodTakeover(options: StoryOptions = {}): Story {
  const scenario = { atLeast: { takeovers: 1, acknowledged: 4, lateRefusals: 1 }, ...options.scenario };
  const story = new Story({ ...options, scenario });
  story.observes(0.4, 2.5, 'server-1').observes(0.4, 7.3, 'server-2');
  story.active(3, 'server-1', 2, 5, false).letIn(3.001, 'server-1', 2);
  story.append(3.5, 'server-1', 2).append(4, 'server-1', 2).append(4.5, 'server-1', 2);
  story.fault(5, 1, 'kill', 'server-1', 'requested').fault(5.05, 1, 'kill', 'server-1', 'effective');
  story.lab(5.06, {
    event: 'process-ended',
    server: 'server-1',
    code: null,
    signal: 'SIGKILL',
    wanted: true,
  });
  story.active(7.8, 'server-2', 3, 12, false).letIn(7.801, 'server-2', 3);
  story.takeover(5.05, 7.825, 'server-1', 'server-2', 3);
  story.refuses(8, 'server-1', 2);
  story.append(8.5, 'server-2', 3).append(9, 'server-2', 3);
  story.fault(10, 1, 'kill', 'server-1', 'healed').agentStarts(10.1, 'server-1');
  story.observes(10.3, 11.5, 'server-1').fault(10.4, 1, 'kill', 'server-1', 'recovered');
  return story.finish(11, 'server-2', 3);
}
