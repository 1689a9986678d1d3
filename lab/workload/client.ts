import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClientEvent } from '../history/events.ts';
import { jsonLine } from '../history/write.ts';
import { attemptAppend, type ServerAddress } from './attempt.ts';
import { carryOut, type OperationRules, ServerChoice } from './operation.ts';
import { hostAndPort, numberIn, optionsFrom, runProgram, WrongUsage } from './options.ts';

/**
 * The lab's client: so many workers append uniquely numbered records to whichever server answers, and every beginning
 * and end is a line on standard output. SIGTERM: what is under way is finished or given up within 2 s, and it ends with 0.
 */
const STOP_MS = 2000;
const REST_MS = 20;

type Untimed<E> = E extends { t: number } ? Omit<E, 't'> : never;

await runProgram('client', async () => {
  const options = optionsFrom(process.argv.slice(2), {
    ...{ servers: undefined, workers: '3', 'think-ms': '20', seed: '1' },
    ...{ 'attempt-timeout-ms': '500', 'op-timeout-ms': '15000' },
  });
  const servers = options.servers.split(',').map(serverIn);
  const workers = numberIn('workers', options.workers, 1);
  const thinkMs = numberIn('think-ms', options['think-ms'], 0);
  const seed = numberIn('seed', options.seed, 0);
  const attemptTimeoutMs = numberIn('attempt-timeout-ms', options['attempt-timeout-ms'], 1);
  const opTimeoutMs = numberIn('op-timeout-ms', options['op-timeout-ms'], 1);

  const agent = new Agent({ keepAlive: true });
  const choice = new ServerChoice(servers);
  const now = () => performance.now();
  const stop = new AbortController();
  let stopAt = Infinity;
  process.once('SIGTERM', () => {
    stopAt = now() + STOP_MS;
    stop.abort();
  });
  process.stdout.once('error', () => process.exit(1)); // nobody reads the history any more

  let operations = 0;
  async function work(worker: number): Promise<void> {
    const random = randomFrom(seed * 1009 + worker);
    const someOf = (ms: number) => ms * (0.5 + random());
    for (let n = 0; !stop.signal.aborted; n += 1) {
      const id = `${seed}-${worker}-${n}`;
      write({ event: 'begin', id, worker });
      const endAt = now() + opTimeoutMs;
      const rules: OperationRules = {
        attempt: (server, id, timeoutMs) => attemptAppend(server, id, timeoutMs, agent),
        ...{ attemptTimeoutMs, now, deadline: () => Math.min(endAt, stopAt) },
        rest: () => delay(someOf(REST_MS)),
      };
      write({ event: 'end', id, worker, ...(await carryOut(id, choice, rules)) });
      operations += 1;
      await delay(someOf(thinkMs), undefined, { signal: stop.signal }).catch(() => {});
    }
  }

  write({ event: 'client-started', workers, servers: servers.map((server) => server.name) });
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  write({ event: 'client-stopped', operations });
  agent.destroy();
});

/** Pipes and files take a line at once; the instant is taken right before. */
function write(event: Untimed<ClientEvent>): void {
  process.stdout.write(jsonLine({ t: Number(process.hrtime.bigint()), ...event }));
}

function serverIn(text: string): ServerAddress {
  const match = /^([^=]+)=(.+)$/.exec(text);
  if (match === null) throw new WrongUsage(`--servers: '${text}' is not NAME=HOST:PORT`);
  return { name: match[1]!, ...hostAndPort(match[2]!) };
}

/** mulberry32: numbers in [0, 1), the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
