import { setTimeout as delay } from 'node:timers/promises';
import type { WorldLine, WorldSpec } from './engine.ts';
import type { AreaUris } from './storage-access.ts';

/** The arguments of `arbiter` that lay out the quorum area of a lab. */
export function initArguments(uri: string, spec: Pick<WorldSpec, 'servers' | 'timings'>): string[] {
  const t = spec.timings;
  return [
    ...['init', uri, '--nodes', spec.servers.join(',')],
    ...[
      '--interval-ms',
      String(t.intervalMs),
      '--misses',
      String(t.misses),
      '--settle-ms',
      String(t.settleMs),
    ],
    ...['--deadline-ms', String(t.deadlineMs), '--stop-grace-ms', String(t.stopGraceMs)],
  ];
}

/** What an agent's file says; where it runs is the engine's to say. */
export function agentConfig(
  spec: Pick<WorldSpec, 'agent'>,
  where: AreaUris & { node: string; service: readonly string[]; status: string; state: string },
): unknown {
  const { protocol, fencing, guard } = spec.agent;
  const { node, quorum, data, service, status, state } = where;
  const unsafe = protocol === 'literal' || fencing === 'none' || !guard;
  const agent = { node, quorum, data, protocol, fencing, guard, unsafe };
  return { ...agent, service: { command: service }, status: `unix:${status}`, state };
}

/** The arguments of the client; `servers` are where each one's service listens. */
export function clientArguments(
  spec: Pick<WorldSpec, 'client' | 'servers'>,
  addressOf: (server: string, index: number) => string,
): string[] {
  const { workers, thinkMs, seed } = spec.client;
  const servers = spec.servers.map((server, index) => `${server}=${addressOf(server, index)}`).join(',');
  return ['--servers', servers, '--workers', workers, '--think-ms', thinkMs, '--seed', seed].map(String);
}

/** The arguments of the ledger, the service of every lab. */
export function ledgerArguments(listen: string): string[] {
  return ['--listen', listen, '--beat-ms', '50'];
}

/** Passes lines on and lets others wait for one of them. */
export class LineWaiter {
  readonly #next: (line: WorldLine) => void;
  readonly #waiting = new Set<(line: WorldLine) => void>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(next: (line: WorldLine) => void) {
    this.#next = next;
  }

  deliver(line: WorldLine): void {
    this.#next(line);
    for (const offer of this.#waiting) offer(line);
  }

  /** Resolves with the first line from now on that fits; rejects after `timeoutMs`, saying what was awaited. */
  line(fits: (line: WorldLine) => boolean, timeoutMs: number, what: string): Promise<WorldLine> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        this.#timers.delete(timer);
        this.#waiting.delete(offer);
      };
      const offer = (line: WorldLine) => {
        if (!fits(line)) return;
        done();
        resolve(line);
      };
      const timer = setTimeout(() => {
        done();
        reject(new Error(`waited ${timeoutMs} ms for ${what}`));
      }, timeoutMs);
      this.#timers.add(timer);
      this.#waiting.add(offer);
    });
  }

  /** The world has ended: nothing will be said any more, and nobody is kept waiting for it. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#waiting.clear();
  }

  /** Polls what cannot announce itself (a process table). */
  async until(holds: () => Promise<boolean>, timeoutMs: number, what: string): Promise<void> {
    const until = performance.now() + timeoutMs;
    while (!(await holds())) {
      if (performance.now() > until) throw new Error(`waited ${timeoutMs} ms for ${what}`);
      await delay(5);
    }
  }
}
