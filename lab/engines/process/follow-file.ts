import { watch } from 'node:fs';
import { open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';

export interface Follower {
  /** Reads what is there now and delivers every complete line of it. */
  drain(): Promise<void>;
  /** The writer is gone and another one will go on: what it left of a line is delivered, and not glued to what comes. */
  breakLine(): Promise<void>;
  /** Drains a last time, delivers a torn last line too, and stops. */
  close(): Promise<void>;
}

/** Delivers the lines of a growing file as they are written. */
export async function followFile(path: string, onLine: (line: string) => void): Promise<Follower> {
  const file = await open(path, 'r');
  const decoder = new StringDecoder('utf8');
  const chunk = Buffer.alloc(64 * 1024);
  let position = 0;
  let rest = '';
  let running = Promise.resolve();

  async function readOn(): Promise<void> {
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      const lines = (rest + decoder.write(chunk.subarray(0, bytesRead))).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    }
  }
  const drain = (): Promise<void> => (running = running.then(readOn));
  const breakLine = (): Promise<void> =>
    (running = running.then(readOn).then(() => {
      const torn = rest + decoder.end();
      rest = '';
      if (torn !== '') onLine(torn);
    }));

  const watcher = watch(path, () => void drain());
  // A change between two looks of inotify is told once; the timer makes sure that nothing waits for the next one.
  const timer = setInterval(() => void drain(), 100);
  await drain();
  return {
    drain,
    breakLine,
    async close() {
      watcher.close();
      clearInterval(timer);
      await breakLine();
      await file.close();
    },
  };
}
