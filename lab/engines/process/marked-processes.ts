import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Part } from '../engine.ts';
import { type Owner, parseOwner } from '../owner.ts';

/**
 * Every process of a lab carries this variable, and children inherit it: so a server is all of its processes, whatever
 * process groups and sessions they made for themselves. The value is `<lab id>/<member>`.
 */
export const MARK = 'ARBITER_LAB_MARK';
/** The controller it belongs to, so that what a killed one left is told from what a running one has. */
export const OWNER = 'ARBITER_LAB_OWNER';

export interface MarkedProcess {
  pid: number;
  mark: string;
  owner: Owner | undefined;
  argv: string[];
  /** One letter of /proc/PID/stat: R, S, D, T (stopped), Z (zombie), ... */
  state: string;
}

/**
 * Living processes whose mark starts with `prefix`. Zombies are dead and left out. All in one go: procfs answers out of
 * memory, and between the wish for a kill and the kill nothing else may come, or a takeover is measured from too early.
 */
export function marked(prefix: string): Promise<MarkedProcess[]> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.map((pid) => inspect(Number(pid)));
  const alive = found.filter((p) => p !== undefined && p.mark.startsWith(prefix) && p.state !== 'Z');
  return Promise.resolve(alive as MarkedProcess[]);
}

function inspect(pid: number): MarkedProcess | undefined {
  try {
    const environ = readFileSync(`/proc/${pid}/environ`, 'latin1');
    const valueOf = (name: string) =>
      environ
        .split('\0')
        .find((line) => line.startsWith(`${name}=`))
        ?.slice(name.length + 1);
    const mark = valueOf(MARK);
    if (mark === undefined) return undefined;
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return {
      pid,
      mark,
      owner: parseOwner(valueOf(OWNER) ?? ''),
      argv,
      state: stat.slice(stat.lastIndexOf(')') + 2)[0] ?? '?',
    };
  } catch {
    return undefined; // gone meanwhile, or another user's
  }
}

/** False for a zombie too: it is dead, and only waits for its parent to look. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/** Which part of a server a process is, by the program it runs. */
export function partOf(process: MarkedProcess): Part {
  if (process.argv.some((arg) => /\/guard\.[jt]s$/.test(arg))) return 'guard';
  if (process.argv.some((arg) => /\/commands\/main\.[jt]s$/.test(arg))) return 'agent';
  return 'service';
}

/** Sends `signal` to every process found, until the next look finds only processes for which `done` holds. */
export async function signalUntil(
  find: () => Promise<MarkedProcess[]>,
  signal: NodeJS.Signals,
  done: (process: MarkedProcess) => boolean,
  timeoutMs = 5000,
): Promise<number> {
  const until = performance.now() + timeoutMs;
  let hit = 0;
  for (;;) {
    const pending = (await find()).filter((p) => !done(p));
    if (pending.length === 0) return hit;
    if (performance.now() > until) {
      const rest = pending.map((p) => `${p.pid} (${p.state})`).join(', ');
      throw new Error(`${signal} had no effect within ${timeoutMs} ms on processes ${rest}`);
    }
    for (const { pid } of pending) {
      if (send(pid, signal)) hit++;
    }
    await delay(2);
  }
}

export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false; // gone meanwhile
  }
}
