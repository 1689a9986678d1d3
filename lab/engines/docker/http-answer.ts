export interface HttpAnswer {
  status: number;
  /** The body as JSON; undefined when there is none. */
  body: unknown;
}

/** An HTTP answer as `ask` (images/lab/bin/ask) prints it: a whole message, ended by the connection (HTTP/1.0). */
export function parseAnswer(text: string): HttpAnswer {
  const [head = '', ...rest] = text.replaceAll('\r\n', '\n').split('\n\n');
  const match = /^HTTP\/1\.[01] (\d{3})/.exec(head);
  if (match === null) throw new Error(`no HTTP answer: ${JSON.stringify(text.slice(0, 100))}`);
  const body = rest.join('\n\n').trim();
  return { status: Number(match[1]), body: body === '' ? undefined : parseBody(body) };
}

function parseBody(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
