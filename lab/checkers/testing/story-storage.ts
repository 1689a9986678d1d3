import { type LogRecord, RECORD_BYTES } from '../../workload/log-format.ts';
import { connectionOf, nameOf, ns, peerOf, shortOf } from './names.ts';
import { StoryLines } from './story-lines.ts';

/** What the storage node sees and does. */
export class StorageStory extends StoryLines {
  protected logged = 0;
  #granted = 0;
  readonly #shown = new Set<string>();

  /** The record names this owner, the gate grants, drains and lets it in, and its service opens the log. */
  letIn(at: number, server: string, epoch: number): this {
    if (!this.#shown.has(`${server} ${epoch}`)) this.recordShows(at, server, epoch);
    this.grants(at + 0.0003, server, epoch);
    this.audit(at + 0.0006, { event: 'drained', epoch, connectionsEnded: 0, writesAwaited: 0, drainMs: 1 });
    this.admits(at + 0.001, server, epoch);
    return this.logs(at + 0.01, server, epoch, 'open');
  }

  recordShows(at: number, server: string, epoch: number): this {
    return this.writesRecord(at, server, epoch, 1);
  }

  /** The server writes the record: 1 as its owner, 0 to claim it. */
  writesRecord(at: number, server: string, epoch: number, status: 0 | 1, lasts = 0.001): this {
    const record = { status, node: server, epoch, count: Math.round(at * 1000) };
    const where = { connection: 1, peer: peerOf(server), offset: 512, length: 512 };
    if (status === 1) this.#shown.add(`${server} ${epoch}`);
    return this.audit(at, {
      event: 'quorum-write',
      ...where,
      beganAt: ns(at - lasts),
      outcome: 'ok',
      record,
    });
  }

  grants(at: number, server: string, epoch: number): this {
    const previousEpoch = this.#granted;
    this.#granted = epoch;
    return this.audit(at, {
      event: 'grant',
      node: server,
      epoch,
      incarnation: shortOf(server, epoch),
      previousEpoch,
    });
  }

  admits(at: number, server: string, epoch: number): this {
    return this.audit(at, { event: 'admitted', ...nameOf(server, epoch), ...connectionOf(server, epoch) });
  }

  refuses(at: number, server: string, epoch: number, lastGranted = this.#granted): this {
    const { export: name, node } = nameOf(server, epoch);
    const reason = `epoch ${epoch} is over`;
    return this.audit(at, {
      event: 'refused',
      ...connectionOf(server, epoch),
      export: name,
      node,
      epoch,
      lastGranted,
      reason,
    });
  }

  /** The gate was killed and is back, with the grant it remembers. */
  gateRestarts(at: number, server: string, epoch: number): this {
    const granted = { node: server, epoch, incarnation: shortOf(server, epoch) };
    return this.audit(at, {
      event: 'gate-started',
      pid: 11,
      fencing: true,
      granted,
      listen: '127.0.0.1:10809',
    });
  }

  /** One write to the data area, as the storage node saw it; what it wrote is not looked at. */
  writes(
    at: number,
    server: string,
    epoch: number,
    more: { offset?: number; lasts?: number; outcome?: string } = {},
  ): this {
    const { offset = 0, lasts = 0.001, outcome = 'ok' } = more;
    const what = { offset, length: 512, beganAt: ns(at - lasts), outcome, fua: true };
    return this.audit(at, {
      event: 'write',
      ...nameOf(server, epoch),
      ...connectionOf(server, epoch),
      ...what,
    });
  }

  /** The next record of the log is on the disk; whether the storage node tells of it is another matter. */
  lands(record: Omit<LogRecord, 'seq'>): this {
    this.logged += 1;
    return this.stands({ ...record, seq: this.logged - 1 });
  }

  /** The service adds a record to the log. */
  logs(at: number, server: string, epoch: number, kind: LogRecord['kind'], id = ''): this {
    const seq = this.logged;
    return this.lands({ kind, id, epoch, node: server }).writes(at, server, epoch, {
      offset: seq * RECORD_BYTES,
    });
  }
}
