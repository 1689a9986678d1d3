import assert from 'node:assert/strict';
import type { StorageKind } from '../engines/storage.ts';
import { jobsOf, leftOut } from './jobs.ts';
import type { ScenarioDefinition } from './scenario.ts';

const definition = (name: string, storages?: readonly StorageKind[]): ScenarioDefinition => ({
  ...{ name, file: `${name}.scenario.ts`, claim: name, body: async () => {} },
  options: { servers: 1, ...(storages === undefined ? {} : { storages }) },
});
const anywhere = definition('anywhere');
const special = definition('special', ['nbdkit']);

describe('what there is to run', () => {
  const words = (storages: readonly StorageKind[], named = false) =>
    jobsOf([anywhere, special], storages, named).map((job) => `${job.definition.name} ${job.storage}`);

  it('is every scenario over every storage that it means something on, scenario by scenario', () => {
    assert.deepEqual(words(['nbd', 'nbdkit']), ['anywhere nbd', 'anywhere nbdkit', 'special nbdkit']);
  });

  it('leaves out a scenario that means nothing on any of them, and says which', () => {
    assert.deepEqual(words(['nbd']), ['anywhere nbd']);
    const all = [anywhere, special];
    assert.deepEqual(leftOut(all, jobsOf(all, ['nbd'], false)), [special]);
  });

  it('is an error where such a scenario was asked for by name', () => {
    assert.throws(() => words(['nbd'], true), {
      name: 'UsageError',
      message: 'special runs over --storage nbdkit alone',
    });
  });
});
