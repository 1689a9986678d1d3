import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from '../system/http-server.ts';
import { BadRule, parseRuleSpec, type RuleWords } from './rule-spec.ts';
import type { RuleState, Rules } from './rules.ts';

/** What the control socket can see and do. */
export interface Controlled {
  rules: Rules;
  status(): unknown;
  words: RuleWords;
  /** Ends a connection by its number in the audit; false when there is none. */
  endConnection(id: number): boolean;
}

interface Answer {
  code: number;
  body: unknown;
}

/** Why a request for the control socket cannot be carried out; becomes its answer. */
class Rejected extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const STATES: readonly RuleState[] = ['armed', 'holding', 'released', 'failed', 'dropped', 'removed'];
const MOST_BODY_BYTES = 64 * 1024;
const MOST_WAIT_MS = 10 * 60 * 1000;

/**
 * The storage node's control, HTTP and JSON over a Unix socket:
 *
 *   GET    /status                               grant, phase, connections, writes in flight
 *   GET    /rules                                every rule
 *   POST   /rules {op, action, peer?, export?, offset?, nth?, delayMs?, error?}   -> {id}
 *   GET    /rules/ID[?wait=holding&timeoutMs=N]  one rule; with `wait`, answered when it got that far or after N ms
 *   POST   /rules/ID/release                     lets the held request go
 *   DELETE /rules/ID                             forgets the rule; what it held goes on
 *   DELETE /connections/ID                       ends a connection, as a path that breaks does; ID as in the audit
 *
 * Errors are `{error}` with status 400, 404, 405, 409 or 413.
 */
export function createControl(controlled: Controlled): Server {
  return createServer((request, response) => {
    answer(controlled, request).then(
      (result) => send(response, result),
      (error: unknown) => send(response, rejection(error)),
    );
  });
}

async function answer(controlled: Controlled, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://control');
  const method = request.method ?? 'GET';
  const [, head = '', id, verb, ...rest] = url.pathname.split('/');
  if (rest.length > 0) throw new Rejected(404, `nothing at ${url.pathname}`);
  if (head === 'status' && id === undefined) {
    only(method, 'GET');
    return { code: 200, body: controlled.status() };
  }
  if (head === 'connections' && id !== undefined && verb === undefined) {
    only(method, 'DELETE');
    if (!controlled.endConnection(Number(id))) throw new Rejected(404, `there is no connection ${id}`);
    return { code: 200, body: {} };
  }
  if (head !== 'rules') {
    throw new Rejected(404, `nothing at ${url.pathname}; there are /status, /rules and /connections/ID`);
  }
  if (id === undefined) return onRules(controlled, method, request);
  if (verb === undefined) return await onRule(controlled.rules, method, id, url.searchParams);
  if (verb !== 'release') throw new Rejected(404, `nothing at ${url.pathname}`);
  only(method, 'POST');
  return release(controlled.rules, id);
}

async function onRules(controlled: Controlled, method: string, request: IncomingMessage): Promise<Answer> {
  if (method === 'GET') return { code: 200, body: { rules: controlled.rules.list() } };
  only(method, 'GET', 'POST');
  const spec = parseRuleSpec(await readJson(request), controlled.words);
  return { code: 201, body: { id: controlled.rules.add(spec) } };
}

async function onRule(rules: Rules, method: string, id: string, query: URLSearchParams): Promise<Answer> {
  if (method === 'DELETE') {
    if (!rules.remove(id)) throw noSuchRule(id);
    return { code: 200, body: {} };
  }
  only(method, 'GET', 'DELETE');
  const wait = query.get('wait');
  const state = STATES.find((each) => each === wait);
  if (wait !== null && state === undefined)
    throw new Rejected(400, `wait is '${wait}'; it must be one of ${STATES.join(', ')}`);
  const status = state === undefined ? rules.get(id) : await rules.reached(id, state, waitMs(query));
  if (status === undefined) throw noSuchRule(id);
  return { code: 200, body: status };
}

function release(rules: Rules, id: string): Answer {
  const status = rules.get(id);
  if (status === undefined) throw noSuchRule(id);
  if (!rules.release(id)) throw new Rejected(409, `rule ${id} holds nothing: it is ${status.state}`);
  return { code: 200, body: status };
}

function waitMs(query: URLSearchParams): number {
  const text = query.get('timeoutMs') ?? '10000';
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return Math.min(value, MOST_WAIT_MS);
  throw new Rejected(400, `timeoutMs is '${text}'; it must be a number of milliseconds`);
}

function only(method: string, ...allowed: readonly string[]): void {
  if (!allowed.includes(method))
    throw new Rejected(405, `${method} is not possible here; use ${allowed.join(' or ')}`);
}

function noSuchRule(id: string): Rejected {
  return new Rejected(404, `there is no rule ${id}`);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MOST_BODY_BYTES) throw new Rejected(413, `a body of more than ${MOST_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new Rejected(400, 'the body is not JSON');
  }
}

function rejection(error: unknown): Answer {
  if (error instanceof Rejected) return { code: error.code, body: { error: error.message } };
  if (error instanceof BadRule) return { code: 400, body: { error: error.message } };
  return { code: 500, body: { error: String(error) } };
}

function send(response: ServerResponse, { code, body }: Answer): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}
