import { request } from 'node:http';

/** An answer of 400 or more; `message` is its text. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;
  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

/** One request to a program that answers JSON over HTTP on a Unix socket. An answer of 400 or more rejects with Refused. */
export function askUnixSocket(
  socketPath: string,
  method: string,
  path: string,
  body: unknown,
  timeoutMs: number,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ask = request({ socketPath, method, path, timeout: timeoutMs }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.once('end', () => {
        const status = response.statusCode ?? 500;
        if (status >= 400) return reject(new Refused(status, text.trim()));
        try {
          resolve(text === '' ? undefined : JSON.parse(text));
        } catch (error) {
          reject(error);
        }
      });
    });
    ask.once('timeout', () => ask.destroy(new Error(`${method} ${path}: no answer within ${timeoutMs} ms`)));
    ask.once('error', reject);
    ask.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
