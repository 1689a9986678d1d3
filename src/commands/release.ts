import { request } from 'node:http';
import { Command } from 'commander';
import { loadAgentConfig } from '../config/load.ts';
import type { ReleaseAnswer } from '../host/status-endpoint.ts';
import { CommandError, EXIT } from './errors.ts';
import { printJson, printLines } from './output.ts';

interface Flags {
  config: string;
  stay: boolean;
  json: boolean;
}

export function releaseCommand(): Command {
  return new Command('release')
    .description(
      'Asks the agent of this server to let go of the area: it ends its service, writes the release and leaves, ' +
        'and another server takes over without waiting for its death.',
    )
    .requiredOption('-c, --config <file>', "the agent's file; `status` in it says where it is asked")
    .option('--stay', 'the agent goes on as a standby instead of leaving', false)
    .option('--json', 'print what happened as JSON', false)
    .addHelpText('after', '\nExample:\n  arbiter release -c /etc/arbiter/server-1.yaml --stay')
    .action(release);
}

async function release({ config: file, stay, json }: Flags): Promise<void> {
  const { node, status } = loadAgentConfig(file);
  if (status === undefined) {
    throw new CommandError(`${file}: status: not set, so the agent cannot be asked`, EXIT.usage);
  }
  const answer = await ask(status, stay ? 'observe' : 'exit');
  if (json) printJson({ node, ...answer, stays: stay });
  else printLines([`${node}: ${sentence(answer)}; the agent ${stay ? 'stays as a standby' : 'leaves'}`]);
  // Whoever scripts this has to know that the others will wait for a death that was not announced.
  if (answer.owned && !answer.released) process.exitCode = EXIT.stopped;
}

function sentence({ owned, released, epoch, reason }: ReleaseAnswer): string {
  if (released) return `released epoch ${epoch}`;
  return owned ? `epoch ${epoch} was not released: ${reason}` : reason;
}

/** No deadline: the service ends first, and how long that may take stands in the header. */
async function ask(address: string, next: 'exit' | 'observe'): Promise<ReleaseAnswer> {
  const unanswered = (why: string) =>
    new CommandError(`${address}: no agent answers there: ${why}`, EXIT.infrastructure);
  const { code, body } = await post(address, `{"then":"${next}"}`).catch((error: Error) => {
    throw unanswered(error.message);
  });
  if (code !== 200) throw unanswered(`POST /release gives ${code}: ${body.trim()}`);
  return JSON.parse(body) as ReleaseAnswer;
}

function post(address: string, body: string): Promise<{ code: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const asking = request(
      { ...targetOf(address), path: '/release', method: 'POST', headers, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('error', reject);
        response.on('end', () => resolve({ code: response.statusCode, body: text }));
      },
    );
    asking.on('error', reject);
    asking.end(body);
  });
}

function targetOf(address: string): { socketPath: string } | { host: string; port: string } {
  if (address.startsWith('unix:')) return { socketPath: address.slice('unix:'.length) };
  const { hostname, port } = new URL(address);
  return { host: hostname.replace(/^\[|\]$/g, ''), port };
}
