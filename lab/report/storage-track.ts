import type { AuditLine } from '../../src/ports/audit.ts';
import type { LabEvent } from '../history/events.ts';
import { Spans } from './server-track.ts';
import type { Span, StorageTrack } from './timeline/model.ts';

/**
 * What the storage node did, by its own audit: whether it was there, whom it let in, which write it held. A killed one
 * cannot say that it is gone; the lab saw it.
 */
export function storageTrack(
  audit: readonly AuditLine[],
  lab: readonly LabEvent[],
  originT: number,
  endT: number,
): StorageTrack {
  const gate = new Spans(originT);
  const letIn = new Map<string, LetIn>();
  const held = new Map<string, Spans>();
  for (const line of [...audit, ...killsIn(lab)].sort((a, b) => a.t - b.t)) {
    switch (line.event) {
      case 'gate-started': {
        const granted =
          line.granted === null
            ? 'nothing granted yet'
            : `last grant ${line.granted.node}, epoch ${line.granted.epoch}`;
        gate.begin(line.t, 'up', line.granted?.epoch ?? 0, `the gate started; ${granted}`);
        for (const each of letIn.values()) each.allGone(line.t);
        break;
      }
      case 'fault':
        for (const spans of held.values()) spans.end(line.t);
        for (const each of letIn.values()) each.allGone(line.t);
        gate.end(line.t);
        break;
      case 'gate-stopped':
        gate.end(line.t);
        break;
      case 'admitted':
        entry(letIn, line.node, () => new LetIn(originT)).enters(line);
        break;
      case 'disconnected':
        for (const each of letIn.values()) each.leaves(line.connection, line.t);
        break;
      case 'rule': {
        const spans = entry(held, line.id, () => new Spans(originT));
        if (line.state === 'holding') spans.begin(line.t, 'holding', 0, `held: ${line.detail}`);
        else spans.end(line.t);
        break;
      }
      default:
    }
  }
  return {
    gate: gate.all(endT),
    letIn: [...letIn].map(([server, each]) => ({ server, spans: each.all(endT) })).sort(byServer),
    held: [...held.values()].flatMap((spans) => spans.all(endT)).sort((a, b) => a.from - b.from),
  };
}

type Fault = Extract<LabEvent, { event: 'fault' }>;

function killsIn(lab: readonly LabEvent[]): Fault[] {
  return lab.filter(
    (event): event is Fault =>
      event.event === 'fault' &&
      event.target === 'storage' &&
      event.phase === 'effective' &&
      /kill|restart/.test(event.fault),
  );
}

/** The stretches in which one server had at least one connection to the data area, a stretch per name. */
class LetIn {
  readonly #spans: Spans;
  readonly #connections = new Set<number>();
  #name = '';

  constructor(originT: number) {
    this.#spans = new Spans(originT);
  }

  enters({ t, connection, export: name, epoch }: Extract<AuditLine, { event: 'admitted' }>): void {
    if (this.#connections.size === 0 || name !== this.#name) {
      this.#connections.clear();
      this.#spans.begin(t, 'let-in', epoch, `let in as ${name}`);
      this.#name = name;
    }
    this.#connections.add(connection);
  }

  leaves(connection: number, t: number): void {
    if (this.#connections.delete(connection) && this.#connections.size === 0) this.#spans.end(t);
  }

  allGone(t: number): void {
    this.#connections.clear();
    this.#spans.end(t);
  }

  all(endT: number): Span[] {
    return this.#spans.all(endT);
  }
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}

function byServer(a: { server: string }, b: { server: string }): number {
  return a.server.localeCompare(b.server, 'en', { numeric: true });
}
