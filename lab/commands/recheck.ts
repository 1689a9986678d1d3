import { Command } from 'commander';
import { stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { explain } from '../checkers/explain.ts';
import { missingIn, recheck, type Rechecked } from '../checkers/recheck.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { runsFolder } from '../run/room.ts';
import type { Verdict } from '../history/events.ts';
import { wrapped } from '../wrapped.ts';

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
      const missing = await missingIn(run);
      if (flags.json === true) console.log(JSON.stringify(judged, null, 2));
      else
        for (const { record, judgement, trouble } of judged)
          console.log(explain(record, judgement, trouble) + '\n');
      for (const sentence of missing) console.error(wrapped(`unknown   ${sentence}`, 80, ' '.repeat(10)));
      process.exitCode = exitCodes[worst(judged, missing)];
    });
}

/**
 * As the run itself would say it: what came out as expected is fine, a canary that was found out included; a violation
 * that nobody expected outranks all else, and what was not run to its end, or is not there, is unknown.
 */
function worst(judged: readonly Rechecked[], missing: readonly string[]): Verdict {
  const wrong = judged.filter(({ judgement, trouble }) => !judgement.asExpected || trouble !== undefined);
  const isViolated = ({ record, judgement }: Rechecked) =>
    judgement.verdict === 'violated' && record.expected !== 'violated';
  if (wrong.some(isViolated)) return 'violated';
  return wrong.length === 0 && missing.length === 0 ? 'valid' : 'unknown';
}

export function notARun(run: string): UsageError {
  return new UsageError(`${run}: no scenario.json in it or in its folders: not a run`);
}

export async function assertFolder(run: string): Promise<void> {
  const found = await stat(run).catch(() => undefined);
  if (found?.isDirectory() !== true)
    throw new UsageError(
      `${join(run)}: no such folder; runs are kept in ${relative(process.cwd(), runsFolder()) || '.'}/`,
    );
}
