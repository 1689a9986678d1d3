import { type Agent, type ClientRequest, request } from 'node:http';

export interface ServerAddress {
  name: string;
  host: string;
  port: number;
}

/** What one attempt at one server came to. */
export type AttemptResult =
  | { kind: 'ok'; seq: number; epoch: number }
  /** Certainly without effect: it never left, or the server said so. `final`: no other attempt would do better. */
  | { kind: 'no-effect'; final: boolean }
  /** It was sent; whether it was done nobody knows. */
  | { kind: 'unknown' };

/** Asks one server once to append `id`. Never rejects, and repeats nothing. */
export function attemptAppend(
  server: ServerAddress,
  id: string,
  timeoutMs: number,
  agent: Agent,
): Promise<AttemptResult> {
  return new Promise((resolve) => {
    const body = JSON.stringify({ id });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const { host, port } = server;
    const asked = request({ host, port, agent, method: 'POST', path: '/append', headers });
    const wasSent = watchSending(asked);
    const giveUp = () => resolve(wasSent() ? { kind: 'unknown' } : { kind: 'no-effect', final: false });
    const timer = setTimeout(() => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    asked.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.once('end', () => resolve(resultOf(response.statusCode ?? 0, text)));
      response.once('error', giveUp);
    });
    asked.once('error', giveUp);
    asked.once('close', () => {
      clearTimeout(timer);
      giveUp();
    });
    asked.end(body);
  });
}

/** A request leaves with its connection: before that the server cannot have seen any of it. */
function watchSending(asked: ClientRequest): () => boolean {
  let sent = false;
  asked.once('socket', (socket) => {
    if (!socket.connecting) sent = true;
    else socket.once('connect', () => (sent = true));
  });
  return () => sent;
}

function resultOf(status: number, text: string): AttemptResult {
  switch (status) {
    case 200:
      return acknowledged(text) ?? { kind: 'unknown' };
    case 503:
      return { kind: 'no-effect', final: false };
    case 507:
      return { kind: 'no-effect', final: true };
    default:
      return { kind: 'unknown' };
  }
}

function acknowledged(text: string): AttemptResult | undefined {
  try {
    const { seq, epoch } = JSON.parse(text) as { seq?: unknown; epoch?: unknown };
    return typeof seq === 'number' && typeof epoch === 'number' ? { kind: 'ok', seq, epoch } : undefined;
  } catch {
    return undefined;
  }
}
