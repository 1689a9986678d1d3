import type { StorageKind } from '../engines/storage.ts';
import { UsageError } from '../errors.ts';
import type { ScenarioDefinition } from './scenario.ts';

/** One scenario over one storage: what has a world, a folder and a verdict of its own. */
export interface Job {
  definition: ScenarioDefinition;
  storage: StorageKind;
}

/**
 * What there is to run, scenario by scenario, so that a reader finds the same one over two storages side by side. A
 * scenario that was asked for by name and means nothing on any of them is a UsageError; otherwise it is left out.
 */
export function jobsOf(
  definitions: readonly ScenarioDefinition[],
  storages: readonly StorageKind[],
  named: boolean,
): Job[] {
  return definitions.flatMap((definition) => {
    const { name, options } = definition;
    const fitting = storages.filter((storage) => options.storages?.includes(storage) ?? true);
    if (fitting.length === 0 && named)
      throw new UsageError(`${name} runs over --storage ${options.storages!.join(' or ')} alone`);
    return fitting.map((storage) => ({ definition, storage }));
  });
}

/** The scenarios that mean nothing on any of the storages. */
export function leftOut(
  definitions: readonly ScenarioDefinition[],
  jobs: readonly Job[],
): ScenarioDefinition[] {
  return definitions.filter((each) => !jobs.some(({ definition }) => definition === each));
}
