import { Command, Option } from 'commander';
import type { StorageKind } from '../engines/storage.ts';
import { faults } from '../faults/index.ts';
import { wrapped } from '../wrapped.ts';
import { positive, storageOption } from './run.ts';

/** `lab up`, `status`, `fault`, `heal`, `logs`, `down`: the same lab, by hand. */
export function handCommands(): Command[] {
  return [up(), status(), fault(), heal(), logs(), down()];
}

const engineOption = () =>
  new Option('--engine <engine>', 'where to run').choices(['docker', 'process']).env('LAB_ENGINE');
const labOption = () => new Option('--lab <id>', 'which lab, when several are up');

function up(): Command {
  return new Command('up')
    .summary('bring a lab up, to be hurt by hand')
    .description('bring up storage, servers and a client that appends; it stays until lab down')
    .addOption(engineOption())
    .addOption(storageOption())
    .option('--servers <n>', 'how many servers', '3')
    .addHelpText('after', '\nExample: lab up --engine process && lab status && lab fault kill active')
    .action(async (flags: { engine?: string; storage?: StorageKind; servers: string }) => {
      const { bringUp } = await import('../control/commands.ts');
      await bringUp(flags, positive(flags.servers, '--servers'));
    });
}

function status(): Command {
  return new Command('status')
    .summary('who is active, which faults are in force')
    .description('who is active, who stands by, which faults are in force')
    .addOption(labOption())
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExample: lab status --json')
    .action(async (flags: { lab?: string; json?: boolean }) => {
      const { showStatus } = await import('../control/commands.ts');
      await showStatus(flags.lab, flags.json === true);
    });
}

function fault(): Command {
  const width = Math.max(...faults.map((each) => each.name.length)) + 2;
  const list = faults
    .map((each) => wrapped(`  ${each.name.padEnd(width)}${each.summary}`, 80, ' '.repeat(width + 2)))
    .join('\n');
  return new Command('fault')
    .summary('hurt the active server, a standby, the storage')
    .description('hurt a target: active, standby, storage, or a server by name')
    .argument('<fault>', faults.map((each) => each.name).join(', '))
    .argument('<target>', 'active, standby, storage, server-1, ...')
    .addOption(labOption())
    .addOption(new Option('--parts <parts>', 'stall: which of agent,guard,service'))
    .addHelpText('after', `\nFaults:\n${list}\n\nExample: lab fault kill active`)
    .action(async (name: string, target: string, flags: { lab?: string; parts?: string }) => {
      const { injectFault } = await import('../control/commands.ts');
      await injectFault(flags.lab, name, target, flags.parts);
    });
}

function heal(): Command {
  return new Command('heal')
    .summary('take faults back')
    .description('take a fault back (all of them when no number is given)')
    .argument('[number]', 'the number that lab fault printed')
    .addOption(labOption())
    .addHelpText('after', '\nExample: lab heal 1')
    .action(async (number: string | undefined, flags: { lab?: string }) => {
      const { healFault } = await import('../control/commands.ts');
      await healFault(flags.lab, number === undefined ? undefined : positive(number, 'number'));
    });
}

function logs(): Command {
  return new Command('logs')
    .summary('what a server, the storage or the client said')
    .description('what a member said: server-1, storage, client, lab; all servers when none is named')
    .argument('[member]', 'server-1, storage, client, lab')
    .addOption(labOption())
    .option('-f, --follow', 'go on until interrupted')
    .addHelpText('after', '\nExample: lab logs server-1 --follow')
    .action(async (member: string | undefined, flags: { lab?: string; follow?: boolean }) => {
      const { showLogs } = await import('../control/commands.ts');
      await showLogs(flags.lab, member, flags.follow === true);
    });
}

function down(): Command {
  return new Command('down')
    .summary('end it, and judge what happened')
    .description('end the lab, collect its disks and judge what happened')
    .addOption(labOption())
    .option('--all', 'every lab that is up by hand, and whatever interrupted ones left behind')
    .addHelpText('after', '\nExample: lab down --all')
    .action(async (flags: { lab?: string; all?: boolean }) => {
      const { bringDown } = await import('../control/commands.ts');
      await bringDown(flags.lab, flags.all === true);
    });
}

/** The process behind `lab up`; not for people. */
export function holdCommand(): Command {
  return new Command('hold')
    .argument('<id>')
    .argument('<engine>')
    .argument('<storage>')
    .argument('<servers>')
    .argument('<directory>')
    .action(async (id: string, engine: string, storage: StorageKind, servers: string, directory: string) => {
      const { holdLab } = await import('../control/commands.ts');
      await holdLab(id, engine, storage, Number(servers), directory);
    });
}
