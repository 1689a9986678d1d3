import { Command } from 'commander';
import type { PauseAnswer } from '../ports/orders.ts';
import { agentIn, orderAgent } from './agent-endpoint.ts';
import { pauseText } from './describe.ts';
import { CommandError, EXIT } from './errors.ts';
import { printJson, printLines } from './output.ts';

interface Flags {
  config: string;
  json?: boolean;
}

export function pauseCommand(): Command {
  return new Command('pause')
    .description(
      'Asks the active server to pause the area: from then on no server takes over by itself, not even when the ' +
        'active one dies. Hand-overs go on working. Ends with `arbiter resume` and with nothing else.',
    )
    .requiredOption('-c, --config <file>', "the file of the active server's agent")
    .option('--json', 'print what happened as JSON')
    .addHelpText('after', '\nExample:\n  arbiter pause -c /etc/arbiter/server-1.yaml')
    .action(pause);
}

async function pause({ config, json = false }: Flags): Promise<void> {
  const { node, address } = await agentIn(config);
  const answer = await orderAgent<PauseAnswer>(address, '/pause', {});
  const { outcome, reason } = answer;
  if (outcome !== 'taken') throw new CommandError(`${node}: not paused: ${reason}`, EXIT.stopped);
  if (answer.pause === null) {
    const lost =
      'it was not active any more before the pause was known to be written; look at `arbiter status`';
    throw new CommandError(`${node}: not paused: ${lost}`, EXIT.stopped);
  }
  if (json) printJson({ node, ...answer });
  else printLines([`${node}: PAUSED ${pauseText(answer.pause)}: nobody takes over until \`arbiter resume\``]);
}
