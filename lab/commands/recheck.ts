import { Command } from 'commander';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { explain } from '../checkers/explain.ts';
import { recheck, type Rechecked } from '../checkers/recheck.ts';
import { exitCodes, UsageError } from '../errors.ts';
import type { Verdict } from '../history/events.ts';

export function recheckCommand(): Command {
  return new Command('recheck')
    .summary('judge a saved run again')
    .description('run the checkers again over a saved run; nothing but its folder is read')
    .argument('<run>', 'the folder of a run or of one scenario of it')
    .option('--json', 'print the judgements as JSON')
    .addHelpText('after', '\nExample: lab recheck lab-runs/latest')
    .action(async (run: string, flags: { json?: boolean }) => {
      await assertFolder(run);
      const judged = await recheck(run);
      if (judged.length === 0) throw notARun(run);
      if (flags.json === true) console.log(JSON.stringify(judged, null, 2));
      else for (const { record, judgement } of judged) console.log(explain(record, judgement) + '\n');
      process.exitCode = exitCodes[worst(judged)];
    });
}

/** The same exit code as the run's own: what came out as expected is fine, a canary that was found out included. */
function worst(judged: readonly Rechecked[]): Verdict {
  const wrong = judged.filter(({ judgement }) => !judgement.asExpected);
  if (wrong.length === 0) return 'valid';
  return wrong.some(({ judgement }) => judgement.verdict === 'violated') ? 'violated' : 'unknown';
}

export function notARun(run: string): UsageError {
  return new UsageError(`${run}: no scenario.json in it or in its folders: not a run`);
}

export async function assertFolder(run: string): Promise<void> {
  const found = await stat(run).catch(() => undefined);
  if (found?.isDirectory() !== true)
    throw new UsageError(`${join(run)}: no such folder; runs are kept in lab-runs/`);
}
