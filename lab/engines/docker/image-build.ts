import type Docker from 'dockerode';
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

export async function hasImage(docker: Docker, tag: string): Promise<boolean> {
  try {
    await docker.getImage(tag).inspect();
    return true;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}

/** Builds with the classic builder, which every engine has; the context is the whole of `directory`. */
export async function buildImage(
  docker: Docker,
  directory: string,
  tag: string,
  buildargs: Record<string, string>,
  more: Docker.ImageBuildOptions = {},
): Promise<void> {
  const progress = await docker.buildImage(tarOf(directory), {
    t: tag,
    buildargs,
    rm: true,
    forcerm: true,
    ...more,
  });
  await finished(progress);
}

/** A folder as a tar stream, owned by root. A tar that fails breaks the stream, so that half an image is never taken. */
export function tarOf(directory: string): Readable {
  const child = spawn(
    'tar',
    ['-C', directory, '--numeric-owner', '--owner=0', '--group=0', '-cf', '-', '.'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const fail = (why: string) => child.stdout.destroy(new Error(`tar of ${directory} failed: ${why}`));
  child.once('error', (error) => fail(error.message));
  child.once('close', (code) => {
    if (code !== 0) fail(said.trim() || `exit code ${code}`);
  });
  return child.stdout;
}

/** Reads progress (a stream of JSON lines) to its end; rejects with the engine's error and what it said before. */
export async function finished(progress: NodeJS.ReadableStream): Promise<void> {
  let text = '';
  for await (const chunk of progress) text += String(chunk);
  const said: string[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const step = JSON.parse(line) as { error?: string; stream?: string; status?: string };
    if (step.error !== undefined) {
      const before = said.slice(-5).join(' / ');
      throw new Error(`docker: ${step.error.trim()}${before === '' ? '' : ` (after: ${before})`}`);
    }
    const words = (step.stream ?? step.status ?? '').trim();
    if (words !== '') said.push(words);
  }
}
