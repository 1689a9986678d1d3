import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AppendOutcome, LedgerLog } from './ledger-log.ts';
import { MAX_ID_BYTES } from './log-format.ts';

// An import of node:http would load a client for WebSockets as well, and a takeover waits for the start of its service.
const { createServer } = process.getBuiltinModule('node:http');

const MAX_BODY_BYTES = 1024;
const STATUS = { ok: 200, 'not-ready': 503, full: 507, unknown: 504 } as const satisfies Record<
  AppendOutcome['outcome'],
  number
>;

/**
 * The ledger's HTTP side. `POST /append {"id"}`: 200 with seq, epoch and node; 503 and 507: certainly not done; 504:
 * nobody knows. `GET /`: node, epoch and last seq, 200 when ready and 503 when not.
 */
export function ledgerHttp(log: LedgerLog, who: { node: string; epoch: number }): Server {
  return createServer((request, response) => {
    void handle(log, who, request, response).catch(() => response.destroy());
  });
}

async function handle(
  log: LedgerLog,
  who: { node: string; epoch: number },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.url === '/') return reply(response, log.ready ? 200 : 503, { ...who, seq: log.lastSeq });
  if (request.url !== '/append') return reply(response, 404, { error: `no such resource: ${request.url}` });
  if (request.method !== 'POST') return reply(response, 405, { error: 'append with POST' });
  const id = idIn(await bodyOf(request));
  if (id === undefined) {
    return reply(response, 400, {
      error: `append {"id": "..."}: printable ASCII, 1 to ${MAX_ID_BYTES} characters`,
    });
  }
  const done = await log.append(id);
  const body = done.outcome === 'ok' ? { seq: done.seq, ...who } : { error: done.outcome, ...who };
  reply(response, STATUS[done.outcome], body);
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk as string;
    if (text.length > MAX_BODY_BYTES) return '';
  }
  return text;
}

function idIn(body: string): string | undefined {
  try {
    const { id } = JSON.parse(body) as { id?: unknown };
    return typeof id === 'string' && id.length <= MAX_ID_BYTES && /^[!-~]+$/.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}
