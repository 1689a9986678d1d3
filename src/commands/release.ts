import { Command } from 'commander';
import type { ReleaseAnswer } from '../ports/orders.ts';
import { agentIn, orderAgent } from './agent-endpoint.ts';
import { EXIT } from './errors.ts';
import { printJson, printLines } from './output.ts';

interface Flags {
  config: string;
  stay?: boolean;
  json?: boolean;
}

export function releaseCommand(): Command {
  return new Command('release')
    .description(
      'Asks the agent of this server to let go of the area: it ends its service, writes the release and leaves, ' +
        'and another server takes over without waiting for its death.',
    )
    .requiredOption('-c, --config <file>', "the agent's file; `status` in it says where it is asked")
    .option('--stay', 'the agent goes on as a standby instead of leaving')
    .option('--json', 'print what happened as JSON')
    .addHelpText('after', '\nExample:\n  arbiter release -c /etc/arbiter/server-1.yaml --stay')
    .action(release);
}

async function release({ config, stay = false, json = false }: Flags): Promise<void> {
  const { node, address } = await agentIn(config);
  // oxlint-disable-next-line unicorn/no-thenable -- a word of the protocol, not a function
  const order = { then: stay ? 'observe' : 'exit' };
  const answer = await orderAgent<ReleaseAnswer>(address, '/release', order);
  if (json) printJson({ node, ...answer, stays: stay });
  else printLines([`${node}: ${sentence(answer)}; the agent ${stay ? 'stays as a standby' : 'leaves'}`]);
  // Whoever scripts this has to know that the others will wait for a death that was not announced.
  if (answer.owned && !answer.released) process.exitCode = EXIT.stopped;
}

function sentence({ owned, released, epoch, paused, reason }: ReleaseAnswer): string {
  if (!released) return owned ? `epoch ${epoch} was not released: ${reason}` : reason;
  const held = paused ? '; PAUSED: nobody takes over until somebody resumes' : '';
  return `released epoch ${epoch}${held}`;
}
