import { Command } from 'commander';
import { failureOf } from './errors.ts';
import { programVersion } from './version.ts';

/**
 * The `arbiter` program. Each command's file is loaded when it is called for and not before: an agent runs for
 * months and need not carry what `init` or `storage` bring in.
 */
interface Entry {
  summary: string;
  load: () => Promise<Command>;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  init: {
    summary: 'lay out a quorum area',
    load: async () => (await import('./init.ts')).initCommand(),
  },
  run: {
    summary: 'run the agent of one server',
    load: async () => (await import('./run.ts')).runCommand(),
  },
  status: {
    summary: 'who owns the area, and which servers are alive',
    load: async () => (await import('./status.ts')).statusCommand(),
  },
  dump: {
    summary: 'every field of every block of a quorum area',
    load: async () => (await import('./dump.ts')).dumpCommand(),
  },
  doctor: {
    summary: 'what a storage can do, and which timings fit it',
    load: async () => (await import('./doctor.ts')).doctorCommand(),
  },
  release: {
    summary: 'let go of the area, so that another server may take over',
    load: async () => (await import('./release.ts')).releaseCommand(),
  },
  handover: {
    summary: 'let a named server follow the active one',
    load: async () => (await import('./handover.ts')).handoverCommand(),
  },
  pause: {
    summary: 'let no server take over by itself',
    load: async () => (await import('./pause.ts')).pauseCommand(),
  },
  resume: {
    summary: 'end a pause',
    load: async () => (await import('./resume.ts')).resumeCommand(),
  },
  storage: {
    summary: 'run the gate of a storage node',
    load: async () => (await import('./storage.ts')).storageCommand(),
  },
};

async function main(argv: readonly string[]): Promise<void> {
  try {
    await (await assemble(argv)).parseAsync(argv, { from: 'user' });
  } catch (error) {
    const failure = failureOf(error);
    for (const line of failure.lines) process.stderr.write(`arbiter: ${line}\n`);
    process.exitCode = failure.exitCode;
  }
}

/** The program with the wanted command in full, and of the others as much as its help shows. */
async function assemble(argv: readonly string[]): Promise<Command> {
  const program = new Command('arbiter')
    .description('A hot standby with nothing but a shared disk.')
    .version(programVersion())
    // The full signature of a subcommand would push all descriptions past 80 columns.
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .configureOutput({ outputError: () => undefined })
    .exitOverride()
    .addHelpText(
      'after',
      '\nExample:\n  arbiter init nbd://storage/quorum --nodes server-1,server-2,server-3',
    );
  const wanted = argv.filter((word) => !word.startsWith('-') && word !== 'help')[0];
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const command = name === wanted ? await load() : new Command(name);
    program.addCommand(command.summary(summary));
  }
  inherit(program);
  return program;
}

/** Errors of commands, and of commands of commands, end up in `main` like the program's own. */
function inherit(from: Command): void {
  for (const command of from.commands) inherit(command.copyInheritedSettings(from));
}

await main(process.argv.slice(2));
