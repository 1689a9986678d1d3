import { chmodSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditLine } from '../ports/audit.ts';
import type { AuditTrail, StorageDir } from './gate.fixture.ts';

type Started = Extract<AuditLine, { event: 'server-started' }>;

/** The server process of an area that runs now, by the audit. */
export async function serverOf(
  audit: AuditTrail,
  area: Started['area'],
  epoch: number | null = null,
): Promise<Started> {
  const ended = (pid: number): boolean => audit.all('server-ended').some((line) => line.pid === pid);
  return audit.line(
    'server-started',
    (line) => line.area === area && line.epoch === epoch && !ended(line.pid),
  );
}

/** Stops a process, and resolves when the kernel shows it stopped: whatever is sent to it now stays under way. */
export async function stopProcess(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  while (!/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')))
    await new Promise((resolve) => void setImmediate(resolve));
}

/** Paths of what a process has open. */
export function openFilesOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
}

export function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A program that is called as nbdkit is, made of these lines of shell; `$@` are the arguments. */
export function scripted(dir: StorageDir, ...lines: readonly string[]): string {
  const path = join(dir.path, 'nbdkit-program');
  writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'));
  chmodSync(path, 0o755);
  return path;
}
