import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AgentStatus } from '../ports/status.ts';
import type { TakesOrders } from '../ports/orders.ts';
import { createServer } from '../system/http-server.ts';
import { listen } from './listen.ts';
import { orderPaths, takeOrder } from './order-endpoint.ts';

/** What the endpoint asks about and does; the agent and its metrics, put together by whoever starts it. */
export interface StatusSource {
  status(): AgentStatus;
  /** Why this agent cannot do its work; undefined when it can. */
  ailment(): string | undefined;
  /** Prometheus text. */
  metrics(): Promise<{ contentType: string; text: string }>;
  /** What people may ask of the agent. */
  orders: TakesOrders;
}

const SHOWN: readonly string[] = ['/status', '/healthz', '/metrics'];
/** How long a reader who does not read may hold up the end of the agent. */
const LINGER_MS = 500;

/**
 * Serves `/status`, `/healthz`, `/metrics` and, as POST, `/release`, `/hand-over`, `/pause` and `/resume` at
 * `unix:/path` or `tcp://127.0.0.1:port`. Rejects with AddressUnusable. There is no access control but the socket's file mode: never listen beyond this machine.
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
  if (path === undefined || ![...SHOWN, ...orderPaths].includes(path)) {
    const posts = orderPaths.map((each) => `POST ${each}`);
    return send(response, 404, `there are ${[...SHOWN, ...posts].join(', ')}\n`);
  }
  const method = SHOWN.includes(path) ? 'GET' : 'POST';
  if (!isLocal(request)) return send(response, 403, 'this is served to its own machine only\n');
  if (request.method !== method) return send(response, 405, `${path} takes ${method}\n`);
  switch (path) {
    case '/status':
      return sendJson(response, source.status());
    case '/healthz': {
      const ailment = source.ailment();
      return send(response, ailment === undefined ? 200 : 503, `${ailment ?? wellBeing(source)}\n`);
    }
    case '/metrics': {
      const { contentType, text } = await source.metrics();
      return send(response, 200, text, contentType);
    }
    default: {
      const reply = await takeOrder(source.orders, path, request);
      if (reply.code === 200) return sendJson(response, reply.value);
      return send(response, reply.code, reply.text);
    }
  }
}

/** A pause is somebody's wish and no ailment, and yet who looks has to know. */
function wellBeing(source: StatusSource): string {
  const { pause } = source.status();
  return pause === null ? 'ok' : `ok, but paused by ${pause.by}: nobody takes over by itself`;
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
