import { Command, Option } from 'commander';
import { exitCodes } from '../errors.ts';

export function doctorCommand(): Command {
  return new Command('doctor')
    .summary('what this machine can run, and what brings the rest')
    .description('say what this machine can run, what is missing, and the command that brings it')
    .addOption(
      new Option('--engine <engine>', 'only this one counts')
        .choices(['docker', 'process'])
        .env('LAB_ENGINE'),
    )
    .option('--registry', "ask a registry for Node's own image (nothing is pulled)")
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExample: lab doctor')
    .addHelpText('after', '\nExit code: 0 when make lab can run here, 3 otherwise')
    .action(async (flags: { engine?: string; registry?: boolean; json?: boolean }) => {
      const { examine } = await import('../doctor/examine.ts');
      const { print } = await import('../doctor/print.ts');
      const diagnosis = await examine(flags.engine, flags.registry === true);
      console.log(flags.json === true ? JSON.stringify(diagnosis, null, 2) : print(diagnosis));
      process.exitCode = diagnosis.ready ? exitCodes.valid : exitCodes.infrastructure;
    });
}
