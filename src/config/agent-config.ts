import type { Fencing } from '../ports/data-access.ts';

/**
 * What an agent's own file says: who it is, where its storage is, what it runs. Timings are not here: they stand in
 * the header of the quorum area and nowhere else (R0).
 */
export interface AgentConfig {
  /** Name of this server; its slot in the quorum area carries the same one. */
  node: string;
  /** Id of the cluster, as `init` printed it; an area of another one is refused. Undefined: any area will do. */
  cluster?: string;
  /** URI of the quorum area: nbd://, nbd+unix://, iscsi:// or file:// (block/uri.ts). */
  quorum: string;
  /**
   * URI of the data area; several where several paths lead to one unit (`fencing: reservation`). For a gate without an
   * export name, which the agent makes from node and epoch.
   */
  data: readonly [string, ...string[]];
  /** Who keeps former owners out of the data area; where the file does not say, what goes with the kind of `data`. */
  fencing: Fencing;
  /** `literal`: the published procedure to the letter, known to split its brain (needs `unsafe`). */
  protocol: 'safe' | 'literal';
  unsafe: boolean;
  /** False: no separate process ends the service when the agent is stuck (needs `unsafe`). */
  guard: boolean;
  service: ServiceConfig;
  /** Where status, health and metrics are served: `unix:/path` or `tcp://127.0.0.1:port`. */
  status?: string;
  /** Directory for what must outlive the agent: the process id of its service. */
  state: string;
}

interface ServiceConfig {
  /** Program and arguments; no shell in between. */
  command: readonly [string, ...string[]];
  env: Readonly<Record<string, string>>;
  directory?: string;
}

/** The file is missing, is not YAML or breaks a rule. `message` is one line per problem. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  /** sysexits.h: EX_USAGE. */
  readonly exitCode = 64;
  /** One line each: file and line, key, value, rule. */
  readonly problems: readonly string[];
  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('\n'), options);
    this.problems = problems;
  }
}
