import type { IncomingMessage } from 'node:http';
import type { TakesOrders } from '../ports/orders.ts';

/** What an order is answered with over HTTP. */
export type OrderReply = { code: 200; value: object } | { code: 400 | 415; text: string };

interface Order {
  /** What the body has to look like, for people. */
  body: string;
  /** Undefined for a body that is something else. */
  give(orders: TakesOrders, body: Readonly<Record<string, unknown>>): Promise<object> | undefined;
}

const ORDERS: Readonly<Record<string, Order>> = {
  '/release': {
    body: '{"then":"exit"} or {"then":"observe"}',
    give: (orders, { then }) => (then === 'exit' || then === 'observe' ? orders.release(then) : undefined),
  },
  '/hand-over': {
    body: '{"to":"NODE","force":false}',
    give: (orders, { to, force }) =>
      typeof to === 'string' && typeof force === 'boolean' ? orders.handOver(to, force) : undefined,
  },
  '/pause': { body: '{}', give: (orders) => orders.pause() },
  '/resume': { body: '{}', give: (orders) => orders.resume() },
};

export const orderPaths: readonly string[] = Object.keys(ORDERS);

const BODY_BYTES_MAX = 1024;

/** Takes the order at `path`, one of `orderPaths`. */
export async function takeOrder(
  orders: TakesOrders,
  path: string,
  request: IncomingMessage,
): Promise<OrderReply> {
  // A page in a browser cannot send this type to another origin without being asked first.
  if (request.headers['content-type'] !== 'application/json') {
    return { code: 415, text: 'the body is application/json\n' };
  }
  const order = ORDERS[path]!;
  const body = parsed(await bodyOf(request));
  const done = body === undefined ? undefined : order.give(orders, body);
  if (done === undefined) return { code: 400, text: `the body is ${order.body}\n` };
  return { code: 200, value: await done };
}

function parsed(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  request.setEncoding('utf8');
  for await (const part of request as AsyncIterable<string>) {
    body += part;
    if (body.length > BODY_BYTES_MAX) break;
  }
  return body;
}
