import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** What `/proc/PID/stat` says about one process (proc(5)). */
export interface ProcessStat {
  pid: number;
  /** One letter: R, S, D, T (stopped), Z (zombie), X (dead), ... */
  state: string;
  groupId: number;
  sessionId: number;
  threads: number;
  /** Clock ticks from boot to the start of the process: with the pid, it names one process of this boot. */
  startTicks: number;
}

/** One process of this boot, beyond doubt: a pid may be used again, but not with the same start. */
export interface ProcessName {
  pid: number;
  startTicks: number;
}

/** Null when there is no such process. */
export function nameProcess(pid: number): ProcessName | null {
  const stat = statOf(pid);
  return stat === undefined ? null : { pid, startTicks: stat.startTicks };
}

export function isSame(name: ProcessName | null, stat: ProcessStat | undefined): boolean {
  return name !== null && stat?.pid === name.pid && stat.startTicks === name.startTicks;
}

/** Undefined when the text is not a line of `/proc/PID/stat`. */
export function parseStat(text: string): ProcessStat | undefined {
  // The name stands in brackets and may itself hold brackets and spaces: count from the last bracket on.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const number = (field: number): number => Number(fields[field - 3]);
  const [state = ''] = fields;
  const stat = {
    state,
    groupId: number(5),
    sessionId: number(6),
    threads: number(20),
    startTicks: number(22),
  };
  const pid = Number.parseInt(text, 10);
  return [pid, stat.groupId, stat.threads, stat.startTicks].every(Number.isInteger)
    ? { pid, ...stat }
    : undefined;
}

/**
 * Undefined when there is no such process. Read at once and not by turns: it is a look into memory, a machine has
 * thousands of processes, and as many files must not be open at a time.
 */
export function statOf(pid: number | 'self'): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/**
 * Zombies are dead: they run nothing and only wait to be reaped. One with threads left is not: its first thread ended
 * before the others did.
 */
export function isLiving(stat: ProcessStat): boolean {
  return !['Z', 'X'].includes(stat.state) || stat.threads > 1;
}

/** Every living process this one can see. */
export function livingProcesses(): ProcessStat[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .map((pid) => statOf(Number(pid)))
    .filter((stat) => stat !== undefined && isLiving(stat)) as ProcessStat[];
}

/** Of the group that this process made and led. */
export function livingMembers(leader: ProcessName): ProcessStat[] {
  // The cheap question first.
  if (signalGroup(leader, 0) === 'gone') return [];
  return livingProcesses().filter((stat) => stat.groupId === leader.pid);
}

/**
 * One signal to every process of the group that this process made and led. `denied`: there are some, and none of them
 * may be signalled by this user. Throws RangeError for a group that can only be a mistake (1 and below mean 'everybody'
 * to kill(2)).
 */
export function signalGroup(leader: ProcessName, signal: NodeJS.Signals | 0): 'sent' | 'gone' | 'denied' {
  if (!Number.isInteger(leader.pid) || leader.pid <= 1) throw new RangeError(`process group ${leader.pid}`);
  return numberIsAnothers(leader) ? 'gone' : send(-leader.pid, signal);
}

/** As for a group; a process that only has the number of this one is left alone. */
export function signalProcess(name: ProcessName, signal: NodeJS.Signals | 0): 'sent' | 'gone' | 'denied' {
  return numberIsAnothers(name) ? 'gone' : send(name.pid, signal);
}

/**
 * A number is not given out again while a process, a group or a session has it: that it is another process's now means
 * that all of its former ones are gone. When nobody can look (no file descriptor left, say) it counts as never reused:
 * what has to be killed must not live on for that.
 */
export function numberIsAnothers({ pid, startTicks }: ProcessName): boolean {
  try {
    const holder = statOf(pid);
    return holder !== undefined && holder.startTicks !== startTicks;
  } catch {
    return false;
  }
}

function send(pid: number, signal: NodeJS.Signals | 0): 'sent' | 'gone' | 'denied' {
  try {
    process.kill(pid, signal);
    return 'sent';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'denied' : 'gone';
  }
}

/**
 * Resolves when `living` finds nobody. Nothing announces the end of a process that is not one's own child, so this
 * looks again and again, every 50 ms in the end, and hands whom it still found to `each`. Rejects when a look fails.
 */
export async function allGone(
  living: () => Promise<readonly ProcessStat[]> | readonly ProcessStat[],
  each: (stillLiving: readonly ProcessStat[]) => void,
): Promise<void> {
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    const still = await living();
    if (still.length === 0) return;
    each(still);
    await delay(pauseMs);
  }
}
