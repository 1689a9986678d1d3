import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import type { HandOverAnswer } from '../ports/orders.ts';
import { agentIn, askAgent, orderAgent } from './agent-endpoint.ts';
import { CommandError, EXIT } from './errors.ts';
import { printJson, printLines } from './output.ts';

interface Flags {
  config: string;
  to: string;
  force?: boolean;
  json?: boolean;
}

export function handoverCommand(): Command {
  return new Command('handover')
    .description(
      'Asks the active server to hand the area over: it ends its service, releases the area for the server that is ' +
        'named, and goes on as a standby. Waits and says who became active.',
    )
    .requiredOption('-c, --config <file>', "the file of the active server's agent")
    .requiredOption('--to <node>', 'the server that is to follow')
    .option('--force', 'also when it shows no life, or nothing can be released: at the cost of D')
    .option('--json', 'print what happened as JSON')
    .addHelpText('after', '\nExample:\n  arbiter handover -c /etc/arbiter/server-1.yaml --to server-2')
    .action(handover);
}

async function handover({ config, to, force = false, json = false }: Flags): Promise<void> {
  const { node, address } = await agentIn(config);
  if (to === node) throw new CommandError(`--to ${to}: that is this server itself`, EXIT.usage);
  const answer = await orderAgent<HandOverAnswer>(address, '/hand-over', { to, force });
  const { outcome, reason } = answer;
  if (outcome === 'wrong') throw new CommandError(`--to ${to}: ${reason}`, EXIT.usage);
  if (outcome === 'refused') throw new CommandError(`${node}: not handed over: ${reason}`, EXIT.stopped);
  const sight = await newOwner(address, answer);
  if (json) printJson({ node, to, ...answer, ...sight });
  else printLines([`${node}: ${sentence(to, answer, sight)}`]);
  if (sight.active?.node !== to) process.exitCode = EXIT.stopped;
}

/** What is known of who follows. */
interface Sight {
  active: { node: string; epoch: number; afterMs: number } | null;
  paused: boolean;
}

/** Between two looks at the agent, which sees the record every T. */
const LOOK_MS = 100;

/** The former owner sees who follows, as a standby. */
async function newOwner(address: string, { epoch, boundMs }: HandOverAnswer): Promise<Sight> {
  const since = performance.now();
  for (let paused = false; ; await sleep(LOOK_MS)) {
    const afterMs = Math.round(performance.now() - since);
    const status = await askAgent(address);
    if (typeof status !== 'string') {
      const { owner, ownerEpoch } = status;
      paused = status.pause !== null;
      if (owner !== '' && ownerEpoch > epoch) {
        return { active: { node: owner, epoch: ownerEpoch, afterMs }, paused };
      }
    }
    if (afterMs > boundMs) return { active: null, paused };
  }
}

function sentence(to: string, answer: HandOverAnswer, { active, paused }: Sight): string {
  const { released, epoch, reason, boundMs } = answer;
  const gave = released ? `released epoch ${epoch} for ${to}` : `epoch ${epoch} was not released: ${reason}`;
  if (active === null) {
    const held = paused ? '; PAUSED: nobody takes over by itself, see `arbiter resume`' : '';
    return `${gave}; nobody became active within ${boundMs} ms${held}`;
  }
  const instead = active.node === to ? '' : `, not ${to},`;
  return `${gave}; ${active.node}${instead} is active with epoch ${active.epoch}, ${active.afterMs} ms later`;
}
