import type { AttemptResult, ServerAddress } from './attempt.ts';

/** What an append came to, after all of its attempts. */
export interface OperationEnd {
  outcome: 'ok' | 'refused' | 'unknown';
  server: string | null;
  epoch: number | null;
  seq: number | null;
  attempts: number;
}

/** Which server to ask: the one that answered last. All workers share it; one that fails is left once, not once by each. */
export class ServerChoice {
  readonly #servers: readonly ServerAddress[];
  #index = 0;

  constructor(servers: readonly ServerAddress[]) {
    this.#servers = servers;
  }

  get current(): ServerAddress {
    return this.#servers[this.#index]!;
  }

  get count(): number {
    return this.#servers.length;
  }

  leave(server: ServerAddress): void {
    if (this.current === server) this.#index = (this.#index + 1) % this.#servers.length;
  }
}

export interface OperationRules {
  attempt(server: ServerAddress, id: string, timeoutMs: number): Promise<AttemptResult>;
  attemptTimeoutMs: number;
  /** Monotonic milliseconds, asked for anew before each attempt: it may come nearer while the operation runs. */
  deadline(): number;
  now(): number;
  /** A rest after every server was asked in vain. */
  rest(): Promise<void>;
}

/**
 * One append, tried at one server after another under the same id until it is acknowledged or its time is up. Then it
 * is `refused` only if every attempt certainly had no effect, and `unknown` otherwise.
 */
export async function carryOut(
  id: string,
  choice: ServerChoice,
  rules: OperationRules,
): Promise<OperationEnd> {
  let attempts = 0;
  let mayBeDone = false;
  for (;;) {
    const leftMs = rules.deadline() - rules.now();
    if (leftMs <= 0) break;
    const server = choice.current;
    const result = await rules.attempt(server, id, Math.min(rules.attemptTimeoutMs, leftMs));
    attempts += 1;
    if (result.kind === 'ok') {
      return { outcome: 'ok', server: server.name, epoch: result.epoch, seq: result.seq, attempts };
    }
    if (result.kind === 'unknown') mayBeDone = true;
    else if (result.final) break;
    choice.leave(server);
    if (attempts % choice.count === 0) await rules.rest();
  }
  return { outcome: mayBeDone ? 'unknown' : 'refused', server: null, epoch: null, seq: null, attempts };
}
