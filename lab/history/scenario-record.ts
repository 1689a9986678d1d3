import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ScenarioRecord } from './events.ts';
import { historyFiles } from './paths.ts';

/**
 * `scenario.json` of one folder: what a verdict is held against, so nothing of it is guessed. Rejects with one line
 * that names the file and what is wrong with it.
 */
export async function loadScenario(dir: string): Promise<ScenarioRecord> {
  const path = join(dir, historyFiles.scenario);
  let record: unknown;
  try {
    record = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new Error(`${path}: no scenario to judge: ${(cause as Error).message}`, { cause });
  }
  const wrong = misfit(record);
  if (wrong !== undefined) throw new Error(`${path}: no scenario to judge: ${wrong}`);
  return record as ScenarioRecord;
}

const VERDICTS = ['valid', 'violated', 'unknown'];

type Check = readonly [holds: (value: unknown) => boolean, what: string];
const text: Check = [(value) => typeof value === 'string', 'a string'];
const names: Check = [
  (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
  'a list of names of checkers',
];
const optional = ([holds, what]: Check): Check => [(value) => value === undefined || holds(value), what];

/** Tied to the contract by its type: a field that it gains does not compile until it is here too. */
const fields: Readonly<Record<keyof Required<ScenarioRecord>, Check>> = {
  name: text,
  claim: optional(text),
  file: text,
  engine: text,
  storage: text,
  seed: [(value) => typeof value === 'number', 'a number'],
  expected: [(value) => VERDICTS.includes(value as string), VERDICTS.join(', ')],
  violatedBy: names,
  mayViolate: optional(names),
  atLeast: [
    (value) =>
      isObject(value) && Object.values(value).every((least) => typeof least === 'number' && least >= 0),
    'an object of numbers',
  ],
};

/** Why this is no record of a scenario; undefined when it is one. */
function misfit(record: unknown): string | undefined {
  if (!isObject(record)) return 'it is no JSON object';
  for (const [field, [holds, what]] of Object.entries(fields)) {
    if (!holds(record[field]))
      return `${field} is ${JSON.stringify(record[field]) ?? 'missing'}, and has to be ${what}`;
  }
  const { expected, violatedBy } = record as unknown as ScenarioRecord;
  if (expected === 'violated' && violatedBy.length === 0)
    return 'it expects a violation, and violatedBy names no checker that has to find it';
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
