import type { Part } from '../engine.ts';

export interface ContainerProcess {
  pid: number;
  parent: number;
  /** As ps(1) has it: the first letter is the state; T is stopped, Z is dead already. */
  state: string;
  command: string;
}

/** The columns `parseProcesses` reads, for ps(1). */
export const PS_COLUMNS = 'pid,ppid,stat,args';

export function parseProcesses(text: string): ContainerProcess[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    if (match === null) return [];
    const [, pid, parent, state = '', command = ''] = match;
    return [{ pid: Number(pid), parent: Number(parent), state, command }];
  });
}

/**
 * The server's own processes: living descendants of the container's first process, without that one (it is Docker's
 * init). What was started by exec has its parent outside, so a visitor is never taken for a part of the server.
 */
export function ownProcesses(all: readonly ContainerProcess[], init: number): ContainerProcess[] {
  const own = new Set([init]);
  for (let before = 0; before < own.size;) {
    before = own.size;
    for (const { pid, parent } of all) if (own.has(parent)) own.add(pid);
  }
  return all.filter(({ pid, state }) => own.has(pid) && pid !== init && !state.startsWith('Z'));
}

/** Which part of a server a process is, by the program it runs. */
export function partOf(process: ContainerProcess): Part {
  if (/\/guard\.[jt]s(\s|$)/.test(process.command)) return 'guard';
  if (/\/commands\/main\.[jt]s(\s|$)/.test(process.command)) return 'agent';
  return 'service';
}
