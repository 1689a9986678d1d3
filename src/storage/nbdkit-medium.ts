import { setTimeout as delay } from 'node:timers/promises';
import type { Audit } from './audit.ts';
import { type Medium, OutcomeLost } from './disk.ts';
import { syncFile } from './file-medium.ts';
import type { ImageFile } from './image-file.ts';
import { type Ending, NbdkitProcess } from './nbdkit-process.ts';
import { StorageUnusable } from './unusable.ts';

/** Pauses between attempts to start one: twice as long each time. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

interface NbdkitMediumOptions {
  area: 'quorum' | 'data';
  file: ImageFile;
  readOnly: boolean;
  audit: Audit;
  onTrouble(line: string): void;
  /** A process ended that nobody had ended: whoever awaits an answer of it will get none. */
  onLost(reason: string): void;
  program: string;
}

/**
 * An area whose bytes a stock nbdkit reads and writes, one process at a time. A process that ends by itself is replaced;
 * what it had not answered rejects with OutcomeLost. `fence` ends the process of a former owner for the next one.
 */
export class NbdkitMedium implements Medium {
  readonly #options: NbdkitMediumOptions;
  #process: NbdkitProcess | null = null;
  /** Of the grant that the next process is for; null where there are no grants. */
  #epoch: number | null = null;
  /** Raised by every fence and by the end: requests from before it are not carried out any more. */
  #turn = 0;
  #opening = false;
  #closed = false;
  /** Processes that ended, and how many had when this process looked for lost writes last. */
  #ended = 0;
  #witnessed = 0;

  constructor(options: NbdkitMediumOptions) {
    this.#options = options;
  }

  get sizeBytes(): number {
    return this.#options.file.sizeBytes;
  }

  /** Starts the first process. Rejects with StorageUnusable when it does not come to serve. */
  async open(epoch: number | null): Promise<void> {
    this.#epoch = epoch;
    this.#opening = true;
    const process = this.#start();
    try {
      await process.ready;
      this.#opening = false;
    } catch (error) {
      const { area, file } = this.#options;
      const why = (error as Error).message;
      throw new StorageUnusable(`storage: nbdkit over the ${area} file ${file.path} does not start: ${why}`);
    }
  }

  async read(offsetBytes: number, into: Uint8Array): Promise<void> {
    const turn = this.#turn;
    const command = { kind: 'read', offsetBytes, lengthBytes: into.length } as const;
    const first = await this.#serving(turn);
    const bytes = await first.request(command).catch(async (error: unknown) => {
      // A read changes nothing, so it may be asked again: the gate itself must get to know what the record says.
      if (error instanceof OutcomeLost) return (await this.#serving(turn)).request(command);
      throw error;
    });
    into.set(bytes);
  }

  async write(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    const process = await this.#serving(this.#turn);
    await process.request({ kind: 'write', offsetBytes, bytes, fua: false });
  }

  /**
   * Forced unit access comes here too, as a flush after the write: nbdkit carries out requests side by side on one open
   * file, which is told of a lost write once, so of two writes with forced unit access just one would be failed. A
   * process that ended may have been told and not have passed it on; the gate's own open file is told too, so it asks.
   */
  async sync(): Promise<void> {
    const process = await this.#serving(this.#turn);
    const ended = this.#ended;
    if (this.#witnessed < ended) await syncFile(this.#options.file.fd);
    this.#witnessed = ended;
    await process.request({ kind: 'flush' });
  }

  /**
   * Takes the area away: resolves when the process is reaped, so that nothing it was told can still be written. The next
   * request starts the next one, for `epoch`.
   */
  async fence(epoch: number): Promise<void> {
    await this.#end((process) => process.kill(`epoch ${epoch} was granted the area`));
    this.#epoch = epoch;
  }

  /** Lets the process finish and leave; kills it when it has not within `withinMs`. Nothing is served any more. */
  async close(withinMs: number): Promise<void> {
    this.#closed = true;
    await this.#end(async (process) => {
      const late = setTimeout(() => void process.kill('it did not leave'), withinMs);
      await process.leave();
      clearTimeout(late);
    });
  }

  async #end(how: (process: NbdkitProcess) => Promise<unknown>): Promise<void> {
    this.#turn++;
    const process = this.#process;
    this.#process = null;
    if (process !== null) await how(process);
  }

  /** The process, started where there is none. Rejects with ESHUTDOWN when the turn is over: nothing was carried out. */
  async #serving(turn: number): Promise<NbdkitProcess> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      if (turn !== this.#turn || this.#closed) throw notCarriedOut();
      const process = this.#process ?? this.#start();
      try {
        await process.ready;
        return process;
      } catch {
        await delay(pauseMs);
      }
    }
  }

  #start(): NbdkitProcess {
    const { area, file, readOnly, audit, program } = this.#options;
    const epoch = this.#epoch;
    const onEnded = ({ code, signal, why }: Ending): void => {
      this.#ended++;
      const byItself = this.#process === process;
      if (byItself) this.#process = null;
      const { pid } = process;
      if (pid !== undefined)
        audit.write({ event: 'server-ended', pid, area, epoch, code, signal, byItself, why });
      if (byItself && !this.#opening && !this.#closed) this.#lost(process, { code, signal, why });
    };
    const process = new NbdkitProcess(file, { readOnly, program, onEnded });
    this.#process = process;
    const { pid } = process;
    if (pid !== undefined) audit.write({ event: 'server-started', pid, area, epoch });
    return process;
  }

  #lost(process: NbdkitProcess, { code, signal, why }: Ending): void {
    const { area, onLost, onTrouble } = this.#options;
    const how = `with ${code ?? signal}${why === '' ? '' : ` (${why})`}`;
    const what = process.pid === undefined ? `cannot be started: ${why}` : `ended by itself ${how}`;
    onTrouble(
      `storage: nbdkit of the ${area} area ${what}: its clients are ended, and may ask again; another one is started`,
    );
    onLost(`the server process of the ${area} area ended ${how}`);
    // For whoever comes next, without waiting for it: a process that ends when it is used must not be started on and on.
    void this.#serving(this.#turn).catch(() => undefined);
  }
}

function notCarriedOut(): NodeJS.ErrnoException {
  const text = 'ESHUTDOWN: the area was given to another owner before this was carried out';
  return Object.assign(new Error(text), { code: 'ESHUTDOWN' });
}
