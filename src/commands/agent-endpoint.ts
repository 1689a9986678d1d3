import { get, request } from 'node:http';
import type { AgentStatus } from '../ports/status.ts';
import { CommandError, EXIT } from './errors.ts';

/** How long an agent may take to answer; it does so from memory. */
const ANSWER_MS = 2000;

/**
 * Asks the agent at `address` (`unix:/path` or `tcp://127.0.0.1:port`) for its status. Never rejects: a string says
 * why there is none.
 */
export function askAgent(address: string): Promise<AgentStatus | string> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const request = get({ ...targetOf(address), path: '/status', signal, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', (error) => resolve(reasonOf(error, signal)));
      response.on('end', () => resolve(statusFrom(response.statusCode, Buffer.concat(chunks).toString())));
    });
    request.on('error', (error) => resolve(reasonOf(error, signal)));
  });
}

/** The agent of a configuration file, as one that can be asked. Throws CommandError. */
export async function agentIn(file: string): Promise<{ node: string; address: string }> {
  const { loadAgentConfig } = await import('../config/load.ts');
  const { node, status } = loadAgentConfig(file);
  if (status !== undefined) return { node, address: status };
  throw new CommandError(`${file}: status: not set, so the agent cannot be asked`, EXIT.usage);
}

/**
 * Asks something of the agent at `address` and resolves with its answer. No deadline: a service may have to end first,
 * and how long that may take stands in the header. Rejects with CommandError when no agent answers; `otherwise` is what to do then.
 */
export async function orderAgent<Answer>(
  address: string,
  path: string,
  body: object,
  otherwise = '',
): Promise<Answer> {
  const unanswered = (why: string) =>
    new CommandError(`${address}: no agent answers there: ${why}${otherwise}`, EXIT.infrastructure);
  const { code, text } = await post(address, path, JSON.stringify(body)).catch((error: Error) => {
    throw unanswered(error.message);
  });
  if (code !== 200) throw unanswered(`POST ${path} gives ${code}: ${text.trim()}`);
  return JSON.parse(text) as Answer;
}

function post(
  address: string,
  path: string,
  body: string,
): Promise<{ code: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const options = { ...targetOf(address), path, method: 'POST', headers, agent: false };
    const asking = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('error', reject);
      response.on('end', () => resolve({ code: response.statusCode, text }));
    });
    asking.on('error', reject);
    asking.end(body);
  });
}

function targetOf(address: string): { socketPath: string } | { host: string; port: string } {
  if (address.startsWith('unix:')) return { socketPath: address.slice('unix:'.length) };
  const { hostname, port } = new URL(address);
  return { host: hostname.replace(/^\[|\]$/g, ''), port };
}

function statusFrom(code: number | undefined, body: string): AgentStatus | string {
  if (code !== 200) return `its endpoint answers ${code} to /status`;
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && 'role' in value) return value as AgentStatus;
  } catch {
    // Falls through: whoever answers there is not an agent.
  }
  return 'what its endpoint answers is not the status of an agent';
}

function reasonOf(error: Error, signal: AbortSignal): string {
  return signal.aborted ? `nothing within ${ANSWER_MS} ms` : error.message;
}
