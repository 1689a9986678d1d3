import { request } from 'node:http';
import { Command, InvalidArgumentError } from 'commander';
import { CommandError, EXIT } from './errors.ts';
import { printLines } from './output.ts';

interface Answer {
  status: number;
  text: string;
}

/** Talks to the control socket from inside the storage node, where the socket is: through `docker exec`, or by hand. */
export function storageControlCommand(): Command {
  return new Command('control')
    .summary('ask a running storage node, or hold, delay, fail and drop one of its requests')
    .description(
      'One request to the control socket of a storage node; prints the JSON it answers. ' +
        'Paths: /status, /rules, /rules/ID, /rules/ID/release.',
    )
    .requiredOption('--socket <path>', 'the socket given to arbiter storage --control')
    .argument('<method>', 'GET, POST or DELETE', methodName)
    .argument('<path>', '/status, /rules, ...')
    .argument('[json]', 'the body')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  arbiter storage control --socket gate.sock GET /status\n' +
        `  arbiter storage control --socket gate.sock POST /rules \\\n    '{"export":"quorum","op":"write","offset":512,"action":"hold"}'\n` +
        "  arbiter storage control --socket gate.sock GET \\\n    '/rules/1?wait=holding&timeoutMs=5000'\n" +
        '  arbiter storage control --socket gate.sock POST /rules/1/release',
    )
    .action(control);
}

async function control(
  method: string,
  path: string,
  json: string | undefined,
  { socket }: { socket: string },
): Promise<void> {
  const { status, text } = await ask(socket, method, path, json).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(`storage control: no answer at ${socket}: ${reason}`, EXIT.infrastructure);
  });
  if (status < 400) return printLines([text.trimEnd()]);
  const usage = status >= 400 && status < 500 && status !== 409;
  throw new CommandError(
    `storage control: ${method} ${path}: ${errorIn(text)}`,
    usage ? EXIT.usage : EXIT.stopped,
  );
}

function ask(socketPath: string, method: string, path: string, body: string | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const asked = request({ socketPath, method, path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 500, text }));
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

function errorIn(text: string): string {
  try {
    return (JSON.parse(text) as { error?: string }).error ?? text.trim();
  } catch {
    return text.trim();
  }
}

function methodName(text: string): string {
  const name = text.toUpperCase();
  if (['GET', 'POST', 'DELETE'].includes(name)) return name;
  throw new InvalidArgumentError('It must be GET, POST or DELETE.');
}
