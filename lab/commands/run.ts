import { Command, InvalidArgumentError, Option } from 'commander';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { chooseEngine } from '../engines/choose.ts';
import { chooseStorages, type StorageKind, storageKinds } from '../engines/storage.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { runFiles } from '../history/paths.ts';
import { againCommand } from '../report/again.ts';
import { Progress } from '../report/progress.ts';
import type { RunSummary } from '../report/summary.ts';
import { table } from '../report/table.ts';
import { runScenarios } from '../run/runner.ts';
import { scenarioFiles, scenarioName, select, shard } from '../run/select.ts';
import { wrapped } from '../wrapped.ts';
import { interruptible } from './interruptible.ts';

interface RunFlags {
  engine?: string;
  storage?: StorageKind[];
  seed: string;
  repeat: string;
  untilFail?: boolean;
  shard?: string;
  onFailure: 'continue' | 'stop';
  parallel?: string;
  json?: boolean;
  list?: boolean;
}

export function runCommand(): Command {
  return new Command('run')
    .summary('run scenarios and judge them')
    .description('run scenarios and judge them; all of them when none is named')
    .argument('[scenario...]', 'names, such as active-killed')
    .addOption(
      new Option('--engine <engine>', 'where to run').choices(['docker', 'process']).env('LAB_ENGINE'),
    )
    .addOption(storagesOption())
    .option('--seed <n>', 'seed of the workload', '1')
    .option('--repeat <n>', 'run everything so many times', '1')
    .option('--until-fail', 'repeat until a scenario comes out otherwise than expected')
    .option('--shard <i/n>', 'only every n-th scenario, from the i-th on')
    .addOption(
      new Option('--on-failure <what>', 'after a bad verdict')
        .choices(['continue', 'stop'])
        .default('continue'),
    )
    .option(
      '--parallel <n>',
      'so many scenarios at the same time (docker: 1, process: three for two cores, 6 at most)',
    )
    .option('--json', 'print the summary as JSON and nothing else')
    .option('--list', 'list the scenarios and end')
    .addHelpText('after', '\nExample: lab run active-killed active-frozen --engine process --repeat 30')
    .addHelpText(
      'after',
      '\nExit code: 0 as expected, 1 violated, 2 unknown, 3 infrastructure, 64 usage,\n130 interrupted',
    )
    .action(run);
}

async function run(names: string[], flags: RunFlags): Promise<void> {
  const files = shard(select(await scenarioFiles(), names), flags.shard);
  if (flags.list === true) return console.log(files.map(scenarioName).join('\n'));
  const seed = positive(flags.seed, '--seed');
  const repeat = positive(flags.repeat, '--repeat');
  const wanted = flags.parallel === undefined ? undefined : positive(flags.parallel, '--parallel');
  const { engine, why } = await chooseEngine(flags.engine);
  const parallel = wanted ?? atTheSameTime(engine.name);
  const storages = await chooseStorages(engine.name, flags.storage ?? []);
  const progress = new Progress((text) => (flags.json === true ? console.error(text) : console.log(text)));
  progress.say(`engine: ${engine.name} (${why}); storage: ${storages.join(' and ')}`);
  const again = repeat > 1 || flags.untilFail === true;
  let folder: string | undefined;
  const summary = await interruptible((signal) =>
    runScenarios({
      ...{ engine, storages, files, seed, repeat, signal, parallel, onFailure: flags.onFailure },
      named: names.length > 0,
      untilFail: flags.untilFail === true,
      onFolder: (directory) => void (folder = directory),
      onLeftOut: ({ name, options }) =>
        progress.say(`left out: ${name}, which takes --storage ${options.storages!.join(' or ')}`),
      onScenario: (job, round) =>
        progress.scenario(job, [
          ...(storages.length > 1 ? [`over ${job.storage}`] : []),
          ...(again ? [`round ${round}`] : []),
        ]),
      onEvent: (event) => progress.event(event),
      onOutcome: (outcome) => progress.outcome(outcome),
      onTrouble: (line) => console.error(`lab: ${line}`),
    }),
  ).catch((error: Error) => {
    if (folder !== undefined) console.error(`lab: what there is of the run is in ${fromHere(folder)}`);
    throw error;
  });
  if (flags.json === true) console.log(JSON.stringify(summary, null, 2));
  else conclude(summary);
  const troubled = summary.scenarios.some((scenario) => scenario.trouble !== null);
  process.exitCode =
    troubled && summary.verdict !== 'violated' ? exitCodes.infrastructure : exitCodes[summary.verdict];
}

/** A scenario mostly waits, and takes about a third of a core; but what it waits for is bound to time. */
function atTheSameTime(engine: string): number {
  // Docker 20.10 was seen to lock up for good in its networks while two labs came and went at once.
  if (engine === 'docker') return 1;
  return Math.min(Math.ceil(availableParallelism() * 1.5), 6);
}

/** The table, the folder, and for a failed run the command that runs it again as the last line. */
function conclude(summary: RunSummary): void {
  const directory = fromHere(summary.directory);
  console.log(`\n${table(summary)}\n`);
  const wrong = summary.scenarios.filter((scenario) => !scenario.asExpected);
  for (const { name, storage, expected, verdict, headline } of wrong) {
    const which = summary.storages.length > 1 ? `${name} over ${storage}` : name;
    console.log(`${which}: expected ${expected}, came out ${verdict}\n${wrapped(`  ${headline}`, 80, '  ')}`);
  }
  const right = summary.scenarios.length - wrong.length;
  const share = `${right} of ${summary.scenarios.length} scenarios came out as expected;`;
  console.log(wrapped(`${share} the run is in ${directory}`, 80, '  '));
  console.log(`report: ${join(directory, runFiles.report)}`);
  if (wrong.length === 0) return;
  console.log(`again: ${againCommand(wrong)}`);
}

function fromHere(directory: string): string {
  return relative(process.cwd(), directory) || directory;
}

/** What the servers share. */
export function storageOption(): Option {
  const what = 'over NBD the gate alone, in plain or with TLS (nbds), or with nbdkit; over iSCSI tgt';
  return new Option('--storage <storage>', what).choices(storageKinds).env('LAB_STORAGE');
}

/** The same for a run, which may go over several: given again and again, or in one word with commas. */
function storagesOption(): Option {
  const option = storageOption();
  option.description += '; may be repeated (docker: nbdkit and tgt, process: nbd and tgt)';
  return option.argParser((text: string, before: unknown): StorageKind[] => {
    const known = (Array.isArray(before) ? before : []) as StorageKind[];
    const asked = text.split(',');
    const alien = asked.find((word) => !storageKinds.some((kind) => kind === word));
    if (alien === undefined) return [...known, ...(asked as StorageKind[])];
    throw new InvalidArgumentError(`Allowed choices are ${storageKinds.join(', ')}.`);
  });
}

export function positive(text: string, flag: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1e9) {
    throw new UsageError(`${flag} ${text}: expected a whole number from 1 to 1000000000`);
  }
  return value;
}
