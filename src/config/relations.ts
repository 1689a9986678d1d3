import type { AgentConfig } from './agent-config.ts';
import { gateUriProblem } from './uri.ts';

/** One broken rule: `path` of the key it is told about, and the line without file name. */
export interface Problem {
  path: readonly PropertyKey[];
  text: string;
}

/** What two keys must be to each other. Whatever switches a protection off needs `unsafe: true` beside it. */
export function relationProblems(config: AgentConfig): Problem[] {
  const problems: Problem[] = [];
  const broken = (key: keyof AgentConfig, text: string): void => {
    problems.push({ path: [key], text: `${key}: ${text}` });
  };
  if (!config.unsafe) {
    if (config.fencing === 'none') {
      broken(
        'fencing',
        'none needs `unsafe: true`: nobody keeps a former owner from writing to the data area',
      );
    }
    if (config.protocol === 'literal') {
      broken('protocol', 'literal needs `unsafe: true`: the published procedure can make two servers active');
    }
    if (!config.guard) {
      broken('guard', 'false needs `unsafe: true`: nothing ends the service when the agent is stuck');
    }
  }
  if (config.fencing === 'gate') {
    const problem = gateUriProblem(config.data, config.node);
    if (problem !== undefined) broken('data', problem);
    if (config.protocol === 'literal') {
      broken('protocol', 'literal needs `fencing: none`: it has no epochs for a gate to go by');
    }
  }
  return problems;
}
