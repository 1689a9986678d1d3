import { readFileSync } from 'node:fs';

/**
 * What the kernel says about a frozen container: `frozen` only when every process in it is. Undefined where the engine's
 * host is not this machine; then the engine's word stands alone, which it gives after the kernel's.
 * `pid` is that of the container's first process on the engine's host; Linux' cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst.
 */
export function freezerState(containerId: string, pid: number, root = ''): 'frozen' | 'running' | undefined {
  const cgroups = read(`${root}/proc/${pid}/cgroup`) ?? '';
  for (const line of cgroups.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    const [, controllers = '', path = ''] = match ?? [];
    if (!path.includes(containerId)) continue;
    if (controllers === 'freezer')
      return named(read(`${root}/sys/fs/cgroup/freezer${path}/freezer.state`), /^FROZEN$/m);
    if (controllers === '') return named(read(`${root}/sys/fs/cgroup${path}/cgroup.events`), /^frozen 1$/m);
  }
  return undefined;
}

function named(text: string | undefined, frozen: RegExp): 'frozen' | 'running' | undefined {
  if (text === undefined) return undefined;
  return frozen.test(text) ? 'frozen' : 'running';
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
