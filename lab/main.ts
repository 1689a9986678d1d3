import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { exitCodes, InfrastructureError, Interrupted, UsageError } from './errors.ts';

// A lab starts a dozen programs for each scenario: their types are stripped once, and not at every start.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(
  new URL('../node_modules/.cache/arbiter-lab', import.meta.url),
);
enableCompileCache(process.env['NODE_COMPILE_CACHE']);

/** The `lab` program. Commands are loaded when they are asked for. */
async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('lab')
    .description(
      'Kills, freezes and cuts off real servers and real storage, and says whether the arbiter held.',
    )
    .showHelpAfterError('(lab --help lists the commands)');
  const { runCommand } = await import('./commands/run.ts');
  const { recheckCommand } = await import('./commands/recheck.ts');
  const { doctorCommand } = await import('./commands/doctor.ts');
  const { reportCommand } = await import('./commands/report.ts');
  const { handCommands, holdCommand } = await import('./commands/by-hand.ts');
  for (const command of [runCommand(), recheckCommand(), reportCommand(), doctorCommand()])
    program.addCommand(command);
  for (const command of handCommands()) program.addCommand(command);
  program.addCommand(holdCommand(), { hidden: true });
  for (const command of [program, ...program.commands])
    command
      .exitOverride()
      .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'lab: ')) });
  for (const command of program.commands) command.helpCommand(false);
  await program.parseAsync(argv, { from: 'user' });
}

// `lab logs | head`: a reader who has seen enough is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? 0 : exitCodes.infrastructure),
);

// Until a command has begun with what it has to clean up, there is nothing to be cleaned up.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    if (process.listenerCount(signal) > 0) return;
    console.error('lab: interrupted');
    process.exit(exitCodes.interrupted);
  });

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = report(error);
}

/** One line on standard error, and the exit code that goes with it. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.valid : exitCodes.usage;
  if (error instanceof Interrupted) {
    console.error('lab: interrupted; everything it started has been ended');
    return exitCodes.interrupted;
  }
  console.error(`lab: ${(error as Error).message}`);
  if (error instanceof UsageError) return exitCodes.usage;
  if (!(error instanceof InfrastructureError) && process.env['LAB_DEBUG'] !== undefined) console.error(error);
  return exitCodes.infrastructure;
}
