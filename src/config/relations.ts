import type { AgentConfig } from './agent-config.ts';
import { isSameDevice } from './same-device.ts';
import { gateUriProblem, pathsProblem, reservationUriProblem, socketPathProblem } from './uri.ts';
import { parseDeviceUri } from '../block/uri.ts';
import { DATA_SOCKET_NAME } from '../ports/data-access.ts';

/** One broken rule: `path` of the key it is told about, and the line without file name. */
export interface Problem {
  path: readonly PropertyKey[];
  text: string;
}

/** A file whose keys are right, each for itself; without `fencing` where nothing follows from `data`. */
export type CheckedFile = Omit<AgentConfig, 'fencing'> & { fencing: AgentConfig['fencing'] | undefined };

/** What two keys must be to each other. Whatever switches a protection off needs `unsafe: true` beside it. */
export function relationProblems(config: CheckedFile): Problem[] {
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
  const stateRule = stateProblem(config);
  if (stateRule !== undefined) broken('state', stateRule);
  const problem = dataProblem(config) ?? oneAreaProblem(config);
  if (problem !== undefined) broken('data', problem);
  if (config.protocol === 'literal' && config.fencing !== 'none') {
    const what = config.fencing === 'reservation' ? 'a reservation' : 'a gate';
    broken('protocol', `literal needs \`fencing: none\`: it has no epochs for ${what} to go by`);
  }
  return problems;
}

/** The service finds an iSCSI unit at a socket in there. */
function stateProblem({ data, state }: CheckedFile): string | undefined {
  return parseDeviceUri(data[0]).kind === 'iscsi'
    ? socketPathProblem(`${state}/${DATA_SOCKET_NAME}`)
    : undefined;
}

/** The service would write over the quorum area, and a reservation shut every other server out of it. */
function oneAreaProblem({ quorum, data, fencing }: CheckedFile): string | undefined {
  // Of a gate the agent asks for another export than any that a URI has.
  if (fencing === 'gate') return undefined;
  return data.some((uri) => isSameDevice(uri, quorum))
    ? 'the quorum area itself; the data area is a unit, an export or a file of its own'
    : undefined;
}

function dataProblem({ data, fencing, node }: CheckedFile): string | undefined {
  const [uri, ...others] = data;
  if (fencing === 'reservation') return reservationUriProblem(data);
  if (others.length > 0 && fencing !== undefined) return pathsProblem(data);
  if (fencing === 'gate') return gateUriProblem(uri, node);
  if (fencing === 'none') return undefined;
  if (others.length > 0) return 'its paths are of several kinds, so they do not lead to one unit';
  return `'${uri}': nobody keeps a former owner from writing there: say \`fencing: none\` and \`unsafe: true\``;
}
