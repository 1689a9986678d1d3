import type { Role } from '../../src/protocol/types.ts';
import type { WorldLine } from '../engines/engine.ts';

/** What is known of one server, from its own journal. */
export interface ServerView {
  role: Role | 'off';
  /** Epoch of the last claim or lease it spoke of. */
  epoch: number;
  /** The service runs, under a lease (or without one, where the protocol has none). */
  serving: boolean;
  /** When the service was last started, monotonic nanoseconds. */
  servingT: number;
  blind: boolean;
  /** R10: who had paused the area, by what this server last saw; '' for nobody. */
  pausedBy: string;
  /** When it last released the area, monotonic nanoseconds; 0 for never. */
  releasedT: number;
}

/** The lab's picture of its servers: symbolic targets are resolved against it, and expectations awaited on it. */
export class ClusterView {
  /** Those that are let into the data area, the last one first. */
  #connections: { node: string; connection: number }[] = [];
  readonly #servers = new Map<string, ServerView>();

  constructor(servers: readonly string[]) {
    for (const server of servers) this.#servers.set(server, off());
  }

  server(name: string): ServerView {
    const view = this.#servers.get(name);
    if (view === undefined)
      throw new Error(`no server is called ${name}; there are ${this.names.join(', ')}`);
    return view;
  }

  get names(): string[] {
    return [...this.#servers.keys()];
  }

  /** Servers that serve, the one that started last first: after a takeover the former owner may not have noticed yet. */
  get serving(): string[] {
    const serving = this.names.filter((name) => this.server(name).serving);
    return serving.sort((a, b) => this.server(b).servingT - this.server(a).servingT);
  }

  get standbys(): string[] {
    return this.names.filter((name) => !this.server(name).serving && this.server(name).role === 'standby');
  }

  /** The server is without power: whatever its journal said last is over. */
  powerOff(name: string): void {
    this.#servers.set(name, off());
  }

  /** It was switched on, and has not said anything yet. */
  powerOn(name: string): void {
    this.#servers.set(name, { ...off(), role: 'starting' });
  }

  /** Its agent is gone. Whether it should be there is another question: it is not taken for switched off. */
  agentEnded(name: string): void {
    const view = this.#servers.get(name);
    if (view === undefined || view.role === 'off') return;
    view.role = 'ended';
    view.serving = false;
  }

  /** The connection of the storage node by which this server has the data area; undefined when it has none. */
  dataConnection(name: string): number | undefined {
    return this.#connections.find(({ node }) => node === name)?.connection;
  }

  learn(line: WorldLine): void {
    if (line.from === 'storage') this.#learnConnections(line.line);
    if (line.from !== 'server') return;
    const view = this.server(line.server);
    const entry = line.line;
    switch (entry.event) {
      case 'agent-started':
        this.#servers.set(line.server, { ...off(), role: 'starting' });
        break;
      case 'role':
        view.role = entry.to;
        view.epoch = entry.epoch;
        if (entry.to !== 'active') view.serving = false;
        break;
      case 'service':
        view.serving = entry.phase === 'started';
        if (view.serving) {
          view.epoch = entry.epoch;
          view.servingT = entry.t;
        }
        break;
      case 'blind':
        view.blind = !entry.healed;
        break;
      case 'paused':
        view.pausedBy = entry.by;
        break;
      case 'resumed':
        view.pausedBy = '';
        break;
      case 'released':
        view.releasedT = entry.t;
        break;
      case 'ended':
        view.role = 'ended';
        view.serving = false;
        break;
      default:
    }
  }

  #learnConnections(line: Extract<WorldLine, { from: 'storage' }>['line']): void {
    if (line.event === 'gate-started') this.#connections = [];
    if (line.event === 'admitted') this.#connections.unshift(line);
    if (line.event === 'disconnected')
      this.#connections = this.#connections.filter(({ connection }) => connection !== line.connection);
  }
}

function off(): ServerView {
  return { role: 'off', epoch: 0, serving: false, servingT: 0, blind: false, pausedBy: '', releasedT: 0 };
}
