import type { LabContainer } from './container.ts';
import { type HttpAnswer, parseAnswer } from './http-answer.ts';

export const ASK_PROGRAM = '/usr/local/lib/arbiter-lab/ask';

/** One HTTP request to a Unix socket inside a container. Rejects when nobody answers within `timeoutMs`. */
export async function ask(
  container: LabContainer,
  socket: string,
  method: string,
  path: string,
  body: unknown,
  timeoutMs: number,
): Promise<HttpAnswer> {
  const argv = [ASK_PROGRAM, socket, method, path, ...(body === undefined ? [] : [JSON.stringify(body)])];
  const { code, stdout, stderr } = await container.exec(argv, timeoutMs);
  if (code === 137)
    throw new Error(
      `${container.name}: ${method} ${path} at ${socket} was not answered within ${timeoutMs} ms`,
    );
  if (code !== 0)
    throw new Error(
      `${container.name}: ${method} ${path} at ${socket}: ${stderr.trim() || `exit code ${code}`}`,
    );
  return parseAnswer(stdout);
}
