import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabEvent } from '../history/events.ts';
import type { WorldLine } from '../engines/engine.ts';
import { nowNs } from './now.ts';

/** Distributes over every member of the union, so that each event keeps its own fields. */
export type Untimed<E> = E extends { t: number } ? Omit<E, 't'> & { t?: number } : never;

/** Writes the history of one scenario as it happens, and keeps it for the scenario's own expectations. */
export class Recorder {
  readonly lines: WorldLine[] = [];
  readonly events: LabEvent[] = [];
  readonly #directory: string;
  readonly #onEvent: (event: LabEvent) => void;
  readonly #streams = new Map<string, WriteStream>();
  #failure: Error | undefined;

  private constructor(directory: string, onEvent: (event: LabEvent) => void) {
    this.#directory = directory;
    this.#onEvent = onEvent;
  }

  static async open(directory: string, onEvent: (event: LabEvent) => void): Promise<Recorder> {
    await mkdir(directory, { recursive: true });
    return new Recorder(directory, onEvent);
  }

  /** What a member of the world said goes into the file named for it. */
  line(line: WorldLine): void {
    this.lines.push(line);
    if (line.from === 'noise') this.#append('noise.log', `${line.who}: ${line.text}\n`);
    else this.#append(fileOf(line), JSON.stringify(line.line) + '\n');
  }

  /** What the lab itself did or saw. */
  event(event: Untimed<LabEvent>): LabEvent {
    const timed = { ...event, t: event.t ?? nowNs() };
    this.events.push(timed);
    this.#append('lab.jsonl', JSON.stringify(timed) + '\n');
    this.#onEvent(timed);
    return timed;
  }

  /** Resolves when everything is in the files; rejects when something could not be written (a full disk). */
  async close(): Promise<void> {
    for (const stream of this.#streams.values()) {
      await new Promise<void>((resolve) => {
        stream.once('close', resolve);
        stream.end();
      });
    }
    if (this.#failure !== undefined) {
      throw new Error(`the history in ${this.#directory} is not whole: ${this.#failure.message}`);
    }
  }

  #append(file: string, text: string): void {
    let stream = this.#streams.get(file);
    if (stream === undefined) {
      stream = createWriteStream(join(this.#directory, file), { flags: 'a' });
      stream.on('error', (error) => (this.#failure ??= error));
      this.#streams.set(file, stream);
    }
    stream.write(text);
  }
}

function fileOf(line: Exclude<WorldLine, { from: 'noise' }>): string {
  if (line.from === 'server') return `journal-${line.server}.jsonl`;
  return line.from === 'storage' ? 'audit.jsonl' : 'client.jsonl';
}
