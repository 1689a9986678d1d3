import { formatOwner, isGone, ownerOf, parseOwner } from '../owner.ts';

/** Every container, network and volume of a lab carries these, so that it is found again whatever became of its lab. */
export const labels = {
  lab: 'arbiter-lab.lab',
  role: 'arbiter-lab.role',
  owner: 'arbiter-lab.owner',
} as const;

export type Role = 'holder' | 'server' | 'storage' | 'client' | 'network' | 'volume';

export function labelsFor(labId: string, role: Role, pid: number = process.pid): Record<string, string> {
  return { [labels.lab]: labId, [labels.role]: role, [labels.owner]: formatOwner(ownerOf(pid)) };
}

export function nameFor(labId: string, what: string): string {
  return `arbiter-lab-${labId}-${what}`;
}

/** What to reap: one lab, the labs whose controller is certainly gone, or every lab of this engine. */
export type Reapable = { labId: string } | { orphans: true } | { all: true };

/** For the engine's own filter; what it cannot express is left to `isReapable`. */
export function labelFilter(what: Reapable): string {
  return 'labId' in what ? `${labels.lab}=${what.labId}` : labels.lab;
}

export function isReapable(
  what: Reapable,
  carried: Readonly<Record<string, string>> | null | undefined,
): boolean {
  const labId = carried?.[labels.lab];
  if (labId === undefined) return false;
  if ('labId' in what) return labId === what.labId;
  if ('all' in what) return true;
  const owner = parseOwner(carried?.[labels.owner] ?? '');
  return owner !== undefined && isGone(owner);
}
