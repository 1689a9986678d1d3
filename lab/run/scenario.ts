import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StorageKind } from '../engines/storage.ts';
import type { AgentMode, GateMode, ScenarioRecord, Verdict } from '../history/events.ts';
import type { Lab } from './lab.ts';

export interface ScenarioOptions {
  /** How many servers there are; they are called server-1, server-2, ... */
  servers: number;
  /** How many takeovers the scenario brings about: fewer, and the run is vacuous. */
  breaks?: number;
  /** What must have happened besides, for the run to mean something. */
  atLeast?: ScenarioRecord['atLeast'];
  /** `valid` unless this is a canary: a scenario that must be found out. */
  expect?: Verdict;
  /** For canaries: the checkers that have to find the violation. */
  violatedBy?: readonly string[];
  /** For canaries: checkers that may find a violation besides; any other one is as wrong as none. */
  mayViolate?: readonly string[];
  agent?: Partial<AgentMode>;
  gate?: Partial<GateMode>;
  /** The storages it means something on; every one when left out. */
  storages?: readonly StorageKind[];
  /** Servers are started by the scenario itself. */
  startsItself?: boolean;
}

export interface ScenarioDefinition {
  /** From the file's name: active-killed.scenario.ts is `active-killed`. */
  name: string;
  file: string;
  claim: string;
  options: ScenarioOptions;
  body(lab: Lab): Promise<void>;
}

/** Every scenario of the files that were loaded, in their order. */
export const scenarios: ScenarioDefinition[] = [];

/** What runs a scenario when its turn comes; set by `lab run`. */
let runner: ((definition: ScenarioDefinition) => Promise<void>) | undefined;

export function runScenariosWith(run: (definition: ScenarioDefinition) => Promise<void>): void {
  runner = run;
}

/** One claim, as a test: registers it with mocha under its claim. `import.meta.url` of its file names it. */
export function scenario(
  url: string,
  claim: string,
  options: ScenarioOptions,
  body: (lab: Lab) => Promise<void>,
): void {
  const file = fileURLToPath(url);
  const name = basename(file).replace(/\.scenario\.[jt]s$/, '');
  if (options.expect === 'violated' && (options.violatedBy ?? []).length === 0)
    throw new Error(`${name}: a scenario that has to be found violated says by whom: violatedBy`);
  const definition = { name, file: basename(file), claim, options, body };
  scenarios.push(definition);
  it(claim, async () => {
    if (runner === undefined) throw new Error('scenarios are run by the lab: bin/lab run ' + name);
    await runner(definition);
  });
}
