import type { UnitInfo } from '../block/iscsi/unit-info.ts';
import type { AccessOutcome } from '../ports/data-access.ts';
import type { GrantedUnit } from './granted-unit.ts';
import { joinReservation } from './persistent-reservation.ts';
import type { UnitPath } from './unit-path.ts';

/** How long a session that is given up may take to log out; whoever waits for that waits no longer. */
const LEAVE_MS = 1000;

/** Whether a new path leads to the unit that is held, and has access to it now. */
export async function isJoined(
  path: UnitPath,
  unit: GrantedUnit,
  key: bigint,
  deadlineMs: number,
): Promise<boolean> {
  try {
    const [working] = unit.paths;
    if (working === undefined || (await strangePath([working, path], deadlineMs)) !== undefined) return false;
    if (!(await joinReservation(path, { key, deadlineMs }))) return false;
    await describe([path], deadlineMs);
    return true;
  } catch {
    return false;
  }
}

/** Several paths must lead to one unit, or the reservation of one would guard nothing on the other. */
export async function strangePath(
  paths: readonly UnitPath[],
  deadlineMs: number,
): Promise<string | undefined> {
  const [first, ...others] = paths;
  if (others.length === 0) return undefined;
  const identity = await first!.identity(deadlineMs);
  for (const path of others) {
    if (identity === '' || (await path.identity(deadlineMs)) !== identity)
      return `${path.name}: not the same unit as ${first!.name} (INQUIRY page 83)`;
  }
  return undefined;
}

/** Commands in a description, each with its own patience. */
const DESCRIBED_BY = 5;

/** After the reservation is held, for only then does every command of it work; by the first path. */
export async function describe(paths: readonly UnitPath[], deadlineMs: number): Promise<UnitInfo> {
  const [first, ...others] = paths;
  const info = await first!.describe(DESCRIBED_BY * deadlineMs);
  // Each session is told once what had happened to the unit, and must not be told instead of a write.
  for (const path of others) await path.describe(DESCRIBED_BY * deadlineMs);
  return info;
}

export function leaving(paths: readonly UnitPath[], outcome: AccessOutcome): AccessOutcome {
  void left(paths);
  return outcome;
}

export async function left(paths: readonly UnitPath[]): Promise<void> {
  const closed = Promise.allSettled(paths.map((path) => path.close()));
  const timer = Promise.withResolvers<void>();
  const waited = setTimeout(timer.resolve, LEAVE_MS);
  await Promise.race([closed, timer.promise]);
  clearTimeout(waited);
}
