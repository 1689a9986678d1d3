import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AgentStatus } from '../ports/status.ts';
import { listen } from './listen.ts';

/** What the endpoint asks about and does; the agent and its metrics, put together by whoever starts it. */
export interface StatusSource {
  status(): AgentStatus;
  /** Why this agent cannot do its work; undefined when it can. */
  ailment(): string | undefined;
  /** Prometheus text. */
  metrics(): Promise<{ contentType: string; text: string }>;
  /** Releases the area (R8); resolves when that is done, with what happened. */
  release(then: 'exit' | 'observe'): Promise<ReleaseAnswer>;
}

/** What `POST /release` answers. */
export interface ReleaseAnswer {
  /** Whether there was an ownership to release. */
  owned: boolean;
  /** Whether the release was written; an owner may not write it while earlier writes of it may still land (R8). */
  released: boolean;
  epoch: number;
  reason: string;
}

const RELEASE_BYTES_MAX = 1024;
/** How long a reader who does not read may hold up the end of the agent. */
const LINGER_MS = 500;

/**
 * Serves `/status`, `/healthz`, `/metrics` and `POST /release` at `unix:/path` or `tcp://127.0.0.1:port`. Rejects with
 * AddressUnusable. There is no access control but the socket's file mode: never listen beyond this machine.
 */
export async function startStatusEndpoint(address: string, source: StatusSource): Promise<AsyncDisposable> {
  const server = createServer({ requestTimeout: 10_000, keepAlive: false }, (request, response) => {
    response.setHeader('connection', 'close');
    answer(source, request, response).catch((error: Error) => send(response, 500, `${error.message}\n`));
  });
  await listen(server, address);
  return { [Symbol.asyncDispose]: () => close(server) };
}

async function answer(source: StatusSource, request: IncomingMessage, response: ServerResponse) {
  const path = (request.url ?? '').split('?')[0];
  const method = path === '/release' ? 'POST' : 'GET';
  if (path === undefined || !['/status', '/healthz', '/metrics', '/release'].includes(path)) {
    return send(response, 404, 'there are /status, /healthz, /metrics and POST /release\n');
  }
  if (!isLocal(request)) return send(response, 403, 'this is served to its own machine only\n');
  if (request.method !== method) return send(response, 405, `${path} takes ${method}\n`);
  switch (path) {
    case '/status':
      return sendJson(response, source.status());
    case '/healthz': {
      const ailment = source.ailment();
      return send(response, ailment === undefined ? 200 : 503, `${ailment ?? 'ok'}\n`);
    }
    case '/metrics': {
      const { contentType, text } = await source.metrics();
      return send(response, 200, text, contentType);
    }
    default:
      return release(source, request, response);
  }
}

async function release(source: StatusSource, request: IncomingMessage, response: ServerResponse) {
  // A page in a browser cannot send this type to another origin without being asked first.
  if (request.headers['content-type'] !== 'application/json') {
    return send(response, 415, 'the body is application/json\n');
  }
  const then = thenOf(await bodyOf(request));
  if (then === undefined) return send(response, 400, 'the body is {"then":"exit"} or {"then":"observe"}\n');
  return sendJson(response, await source.release(then));
}

function thenOf(body: string): 'exit' | 'observe' | undefined {
  try {
    const { then } = JSON.parse(body) as { then?: unknown };
    return then === 'exit' || then === 'observe' ? then : undefined;
  } catch {
    return undefined;
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  request.setEncoding('utf8');
  for await (const part of request as AsyncIterable<string>) {
    body += part;
    if (body.length > RELEASE_BYTES_MAX) break;
  }
  return body;
}

/** Over TCP a name that was made to point here (DNS rebinding) is not this machine's. Sockets have file modes. */
function isLocal({ socket, headers }: IncomingMessage): boolean {
  if (socket.remoteAddress === undefined) return true;
  const name = (headers.host ?? '').replace(/:\d+$/, '');
  return ['127.0.0.1', '[::1]', 'localhost'].includes(name);
}

function sendJson(response: ServerResponse, value: unknown): void {
  send(response, 200, `${JSON.stringify(value)}\n`, 'application/json');
}

function send(response: ServerResponse, code: number, text: string, type = 'text/plain; charset=utf-8') {
  response.writeHead(code, { 'content-type': type }).end(text);
}

async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), LINGER_MS);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
