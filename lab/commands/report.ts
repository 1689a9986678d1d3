import { Command } from 'commander';
import { relative } from 'node:path';
import { writeReports } from '../report/rewrite.ts';
import { assertFolder, notARun } from './recheck.ts';

export function reportCommand(): Command {
  return new Command('report')
    .summary('write the reports of a saved run')
    .description('judge a saved run again and write its report.html, and one for each scenario')
    .argument('<run>', 'the folder of a run or of one scenario of it')
    .addHelpText('after', '\nExample: lab report lab-runs/latest')
    .action(async (run: string) => {
      await assertFolder(run);
      const written = await writeReports(run);
      if (written.length === 0) throw notARun(run);
      for (const path of written) console.log(relative(process.cwd(), path) || path);
    });
}
