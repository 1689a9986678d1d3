import { get } from 'node:http';
import type { AgentStatus } from '../ports/status.ts';

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
