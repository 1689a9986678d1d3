import { request } from 'node:http';

/** One request to a program that answers JSON over HTTP on a Unix socket. An answer of 400 or more is an error with its text. */
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
        if ((response.statusCode ?? 500) >= 400) return reject(new Error(text.trim()));
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
