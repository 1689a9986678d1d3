import { readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessName } from './process-group.ts';

/**
 * `service.json` in the state directory: which processes run the service, written before and after its start by
 * whoever starts it, so that a successor can end them (R0) also when guard and agent were both killed in between.
 */
export interface ServiceRecord {
  /** Of this boot of the machine: process ids mean nothing in another. */
  bootId: string;
  /** Nor do they in another container: its processes ended with it. */
  pidNamespace: string;
  /** In the environment of the service's processes as ARBITER_INCARNATION. */
  incarnation: string;
  guard: ProcessName | null;
  /** Leader of the process group and session; null when it is just being started. */
  service: ProcessName | null;
}

export function serviceFile(stateDirectory: string): string {
  return join(stateDirectory, 'service.json');
}

/** Undefined when there is none. Throws with the file's name when it cannot be read or understood. */
export async function readServiceFile(stateDirectory: string): Promise<ServiceRecord | undefined> {
  const file = serviceFile(stateDirectory);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const record = JSON.parse(text) as ServiceRecord;
    if (typeof record.bootId !== 'string' || typeof record.incarnation !== 'string')
      throw new Error('no boot id');
    return record;
  } catch (error) {
    throw new Error(`${file} is damaged; end what is left of the former service by hand, then remove it`, {
      cause: error,
    });
  }
}

/** Whole or not at all: written beside, then renamed. It need not survive a crash of the machine. */
export async function writeServiceFile(stateDirectory: string, record: ServiceRecord): Promise<void> {
  const file = serviceFile(stateDirectory);
  await writeFile(`${file}.new`, `${JSON.stringify(record)}\n`);
  await rename(`${file}.new`, file);
}

export async function removeServiceFile(stateDirectory: string): Promise<void> {
  await rm(serviceFile(stateDirectory), { force: true });
}

/** This boot and this container: what process ids are relative to. */
export async function here(): Promise<{ bootId: string; pidNamespace: string }> {
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  return { bootId, pidNamespace: await readlink('/proc/self/ns/pid') };
}
