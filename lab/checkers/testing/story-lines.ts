import type { AuditEntry, AuditLine } from '../../../src/ports/audit.ts';
import type { JournalEntry, JournalLine } from '../../../src/ports/journal.ts';
import type { Timings } from '../../../src/protocol/types.ts';
import type { ClientEvent, History, LabEvent, ScenarioRecord } from '../../history/events.ts';
import { encodeRecord, type LogRecord, RECORD_BYTES } from '../../workload/log-format.ts';
import { ns } from './names.ts';
import { quorumImage } from './quorum-image.ts';

/** D = 2000 ms, L = 1700 ms. With heartbeats of 4 ms: promise (c) = 3110 ms + drain + start of the service. */
export const storyTimings: Timings = {
  intervalMs: 400,
  misses: 5,
  settleMs: 400,
  deadlineMs: 250,
  stopGraceMs: 400,
};

const SECTORS = 128;

export interface StoryOptions {
  servers?: readonly string[];
  protocol?: 'safe' | 'literal';
  /** The gate's fencing. */
  fencing?: boolean;
  scenario?: Partial<ScenarioRecord>;
}

/** The lines of a history made by hand, and the disks; what happened is said with the methods of `Story`. */
export class StoryLines {
  protected readonly servers: readonly string[];
  protected readonly incarnations = new Map<string, number>();
  readonly #scenario: ScenarioRecord;
  readonly #lab: LabEvent[] = [];
  readonly #client: ClientEvent[] = [];
  readonly #audit: AuditLine[] = [];
  readonly #journals = new Map<string, JournalLine[]>();
  readonly #image = new Uint8Array(SECTORS * RECORD_BYTES);
  #unreadable: string[] = [];
  #data = true;

  constructor(options: StoryOptions) {
    const { servers = ['server-1', 'server-2'], protocol = 'safe', fencing = true } = options;
    this.servers = servers;
    this.#scenario = {
      ...{ name: 'story', file: 'story.scenario.ts', engine: 'process', storage: 'nbd', seed: 7 },
      ...{ expected: 'valid', violatedBy: [], atLeast: { acknowledged: 1 }, ...options.scenario },
    };
    for (const server of servers) this.#journals.set(server, []);
    const what = { scenario: this.#scenario.name, engine: 'process', storage: 'nbd', seed: 7, servers };
    const agent = { protocol, fencing: fencing ? 'gate' : 'none', guard: true } as const;
    this.lab(0, { event: 'lab-started', ...what, timings: storyTimings, agent, gate: { fencing } });
    this.audit(0.1, { event: 'gate-started', pid: 10, fencing, granted: null, listen: '127.0.0.1:10809' });
    const where = { connection: 1, peer: '127.0.0.1', offset: 512, length: 512, beganAt: ns(0.14) };
    this.audit(0.15, { event: 'quorum-write', ...where, outcome: 'ok', record: null });
  }

  lab(at: number, event: Untimed<LabEvent>): this {
    this.#lab.push({ ...event, t: ns(at) });
    return this;
  }

  client(at: number, event: Untimed<ClientEvent>): this {
    this.#client.push({ ...event, t: ns(at) });
    return this;
  }

  audit(at: number, entry: AuditEntry): this {
    this.#audit.push({ v: 1, n: 0, t: ns(at), ...entry });
    return this;
  }

  /** Instants inside `entry` are nanoseconds: use `ns`. */
  journal(at: number, server: string, entry: JournalEntry): this {
    const line = {
      v: 1,
      n: 0,
      t: ns(at),
      wall: '2025-01-01T00:00:00.000Z',
      incarnation: this.#incarnation(server),
      ...entry,
    };
    this.#journals.get(server)!.push({ ...line, node: server } as JournalLine);
    return this;
  }

  /** A record is on the disk, whoever wrote it and wherever it belongs. */
  stands(record: LogRecord, sector = record.seq): this {
    this.#image.set(encodeRecord(record), sector * RECORD_BYTES);
    return this;
  }

  erases(sector: number, fromByte = 0): this {
    this.#image.fill(0, sector * RECORD_BYTES + fromByte, (sector + 1) * RECORD_BYTES);
    return this;
  }

  noDataImage(): this {
    this.#data = false;
    return this;
  }

  unreadable(sentence: string): this {
    this.#unreadable.push(sentence);
    return this;
  }

  history(): History {
    const inTime = <L extends { t: number }>(lines: readonly L[]) => [...lines].sort((a, b) => a.t - b.t);
    let starts = 0;
    const audit = numbered(inTime(this.#audit), (line) =>
      line.event === 'gate-started' && line.pid !== 10 ? ++starts : starts,
    );
    return {
      dir: '/by-hand',
      scenario: this.#scenario,
      lab: inTime(this.#lab),
      client: inTime(this.#client),
      audit,
      journals: new Map(
        [...this.#journals].map(([server, lines]) => {
          return [server, numbered(inTime(lines), ({ incarnation }) => incarnation)];
        }),
      ),
      data: this.#data ? this.#image : undefined,
      quorum: quorumImage(audit, this.servers, storyTimings),
      unreadable: this.#unreadable,
      torn: [],
    };
  }

  #incarnation(server: string): string {
    return `${this.servers.indexOf(server)}${this.incarnations.get(server) ?? 0}`.padEnd(32, '0');
  }
}

/** As their writers number them: each its own, from 1 on. */
function numbered<L>(lines: readonly L[], writerOf: (line: L) => unknown): L[] {
  const last = new Map<unknown, number>();
  return lines.map((line) => {
    const writer = writerOf(line);
    const n = (last.get(writer) ?? 0) + 1;
    last.set(writer, n);
    return { ...line, n };
  });
}

/** Distributes over every member of the union, so that each event keeps its own fields. */
type Untimed<E> = E extends { t: number } ? Omit<E, 't'> : never;
