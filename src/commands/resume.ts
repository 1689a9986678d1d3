import { Command } from 'commander';
import type { PauseAnswer } from '../ports/orders.ts';
import { agentIn, orderAgent } from './agent-endpoint.ts';
import { CommandError, EXIT } from './errors.ts';
import { printJson, printLines } from './output.ts';

interface Flags {
  config: string;
  json?: boolean;
}

export function resumeCommand(): Command {
  return new Command('resume')
    .description(
      'Ends a pause. Asked of the active server, it ends for all. When there is none any more, ask a standby: it may ' +
        'take over from then on, and the pause ends for all when it does.',
    )
    .requiredOption(
      '-c, --config <file>',
      "the file of the active server's agent, or of a standby's when it is dead",
    )
    .option('--json', 'print what happened as JSON')
    .addHelpText('after', '\nExample:\n  arbiter resume -c /etc/arbiter/server-1.yaml')
    .action(resume);
}

async function resume({ config, json = false }: Flags): Promise<void> {
  const { node, address } = await agentIn(config);
  const answer = await orderAgent<PauseAnswer>(address, '/resume', {}, '; ask a standby when it is dead');
  const { outcome, reason } = answer;
  if (outcome !== 'taken') throw new CommandError(`${node}: not resumed: ${reason}`, EXIT.stopped);
  if (answer.pause !== null) {
    const lost = 'it was not active any more before that was known to be written; ask again';
    throw new CommandError(`${node}: not resumed: ${lost}`, EXIT.stopped);
  }
  if (json) printJson({ node, ...answer });
  else printLines([`${node}: resumed: ${reason}`]);
}
