import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import type { BlockDevice } from '../ports/block-device.ts';
import type { AgentStatus } from '../ports/status.ts';
import type { AreaReading, Header } from '../protocol/types.ts';
import { askAgent } from './agent-endpoint.ts';
import { openDevice, readArea, readHeader, requireNoSecret } from './area-access.ts';
import { CommandError, EXIT, failureOf } from './errors.ts';
import { printJson, printJsonLine, printLines } from './output.ts';
import { agentLines } from './status-agent.ts';
import { areaLines, areaStatus, observationMs } from './status-area.ts';

interface StatusOptions {
  config?: string;
  json?: true;
  watch?: true;
}

export function statusCommand(): Command {
  return new Command('status')
    .description(
      'Who owns the quorum area, and which servers are alive: from the area itself, or from an agent.',
    )
    .argument('[uri]', 'the quorum area')
    .option('-c, --config <file>', "the agent's file: asks the agent, and the area where it does not answer")
    .option('--json', 'as JSON, with --watch one line a look')
    .option('--watch', 'look again and again until interrupted')
    .addHelpText(
      'after',
      '\nExamples:\n  arbiter status nbd://storage/quorum\n  arbiter status -c /etc/arbiter.yaml --watch',
    )
    .action(status);
}

async function status(uri: string | undefined, options: StatusOptions): Promise<void> {
  if ((uri === undefined) === (options.config === undefined)) {
    throw new CommandError('status: give either the URI of a quorum area or -c FILE', EXIT.usage);
  }
  if (uri !== undefined) {
    requireNoSecret(uri);
    return showArea(uri, options);
  }
  const { loadAgentConfig } = await import('../config/load.ts');
  const { quorum, status: address } = loadAgentConfig(options.config!);
  if (address === undefined) return showArea(quorum, options);
  const answer = await askAgent(address);
  if (typeof answer === 'string') {
    process.stderr.write(`arbiter: the agent does not answer: ${answer}; asking the quorum area\n`);
    return showArea(quorum, options);
  }
  return showAgent(address, answer, options);
}

/** How long between two looks at an agent. */
const AGENT_LOOK_MS = 1000;

async function showAgent(address: string, first: AgentStatus, { json, watch }: StatusOptions): Promise<void> {
  let answer: AgentStatus | string = first;
  for (;;) {
    if (typeof answer === 'string') process.stderr.write(`arbiter: the agent does not answer: ${answer}\n`);
    else if (json) print({ source: 'agent', ...answer }, watch);
    else printLook(agentLines(answer), watch);
    if (!watch) return;
    await sleep(AGENT_LOOK_MS);
    answer = await askAgent(address);
  }
}

async function showArea(uri: string, { json, watch }: StatusOptions): Promise<void> {
  await using device = await openDevice(uri);
  const header = await readHeader(device);
  let before = await readArea(device, header);
  for (;;) {
    await sleep(observationMs(header));
    const after = await look(device, header, watch);
    if (after !== undefined) {
      const seen = areaStatus(device.name, header, before, after);
      if (json) print(seen, watch);
      else printLook(areaLines(seen), watch);
      before = after;
    }
    if (!watch) return;
  }
}

/** One reading; a watcher is told of a failure and goes on, for storage may come back. */
async function look(device: BlockDevice, header: Header, watch = false): Promise<AreaReading | undefined> {
  try {
    return await readArea(device, header);
  } catch (error) {
    if (!watch) throw error;
    for (const line of failureOf(error).lines) process.stderr.write(`arbiter: ${line}\n`);
    return undefined;
  }
}

function print(value: object, watch = false): void {
  if (watch) printJsonLine(value);
  else printJson(value);
}

/** On a terminal each look takes the place of the last one. */
function printLook(lines: readonly string[], watch = false): void {
  if (watch && process.stdout.isTTY) printLines([`\u001B[H\u001B[J${lines[0] ?? ''}`, ...lines.slice(1)]);
  else printLines(watch ? [...lines, ''] : lines);
}
