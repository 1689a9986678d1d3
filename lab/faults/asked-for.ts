import { faultNamed, faults } from './index.ts';

const PARTS = ['agent', 'guard', 'service'];

/** What is wrong with a fault as a person asked for it, in one line; undefined when nothing is. Nothing is hurt to find out. */
export function faultProblem(
  name: string,
  target: string,
  parts: readonly string[] | undefined,
  servers: readonly string[],
): string | undefined {
  if (!faults.some((each) => each.name === name)) {
    return `no fault is called ${name}; there are ${faults.map((each) => each.name).join(', ')}`;
  }
  const fault = faultNamed(name);
  if (fault.target === 'storage' && target !== 'storage') return `${name} hits the storage and nothing else`;
  if (fault.target === 'server' && target === 'storage') {
    return `${name} hits a server: active, standby, ${servers.join(', ')}; storage-kill hits the storage`;
  }
  if (!['active', 'standby', 'storage', ...servers].includes(target)) {
    return `nothing is called ${target}; there are active, standby, storage, ${servers.join(', ')}`;
  }
  if (parts === undefined) return undefined;
  if (name !== 'stall') return `--parts is for stall alone; ${name} hits all of a server`;
  const wrong = parts.filter((part) => !PARTS.includes(part));
  return wrong.length === 0 ? undefined : `--parts ${wrong.join(',')}: there are ${PARTS.join(', ')}`;
}
