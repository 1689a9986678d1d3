import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Which process a lab belongs to. A process id alone is used again after a while, and again after every boot; with the
 * boot, the process-id space and the time at which the process was started it is not.
 */
export interface Owner {
  host: string;
  boot: string;
  pidSpace: string;
  pid: number;
  /** Clock ticks after boot, as /proc/PID/stat has it. */
  started: string;
}

export function ownerOf(pid: number): Owner {
  return {
    host: hostname(),
    boot: read('/proc/sys/kernel/random/boot_id').trim(),
    pidSpace: readLink('/proc/self/ns/pid'),
    pid,
    started: startTime(pid),
  };
}

export function formatOwner(owner: Owner): string {
  return [owner.host, owner.boot, owner.pidSpace, owner.pid, owner.started].join(' ');
}

export function parseOwner(text: string): Owner | undefined {
  const [host, boot, pidSpace, pid, started, ...more] = text.split(' ');
  if (host === undefined || boot === undefined || pidSpace === undefined || started === undefined)
    return undefined;
  if (!/^\d+$/.test(pid ?? '') || more.length > 0) return undefined;
  return { host, boot, pidSpace, pid: Number(pid), started };
}

/** True only when it is certain: another host's processes, or another container's, cannot be seen from here. */
export function isGone(owner: Owner, now: (pid: number) => Owner = ownerOf): boolean {
  const here = now(owner.pid);
  if (owner.host !== here.host) return false;
  if (owner.boot !== here.boot) return true;
  if (owner.pidSpace !== here.pidSpace) return false;
  return owner.started !== here.started;
}

/** '' when there is no such process (a zombie is none), or no /proc to ask. */
function startTime(pid: number): string {
  const stat = read(`/proc/${pid}/stat`);
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' ? '' : (fields[18] ?? '');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
