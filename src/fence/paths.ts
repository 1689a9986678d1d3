import type { UnitInfo } from '../block/iscsi/unit-info.ts';
import { DeviceUnusable } from '../ports/block-device.ts';
import type { AccessOutcome } from '../ports/data-access.ts';
import type { GrantedUnit } from './granted-unit.ts';
import { joinReservation } from './persistent-reservation.ts';
import type { UnitPath } from './unit-path.ts';

/** How long a session that is given up may take to log out; whoever waits for that waits no longer. */
const LEAVE_MS = 1000;

/**
 * Whether a new path has access now to the unit that is held. Rejects with DeviceUnusable for one that leads to another unit,
 * which is for somebody to mend.
 */
export async function isJoined(
  path: UnitPath,
  unit: GrantedUnit,
  key: bigint,
  deadlineMs: number,
): Promise<boolean> {
  try {
    const [working] = unit.paths;
    if (working === undefined) return false;
    const strange = await strangePath([working, path], deadlineMs);
    if (strange !== undefined) throw new DeviceUnusable(strange);
    if (!(await joinReservation(path, { key, deadlineMs }))) return false;
    await path.describe(DESCRIBED_BY * deadlineMs);
    return true;
  } catch (error) {
    if (error instanceof DeviceUnusable) throw error;
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

/** By their number among those that were asked for. */
type Paths = ReadonlyMap<number, UnitPath>;

/**
 * Those that answer: behind a session that was let in a controller may be stuck, and the other paths are there for just that.
 * The others are left. Rejects with what the first one failed of when none answers.
 */
export async function answering(paths: Paths, deadlineMs: number): Promise<Paths> {
  if (paths.size === 1) return paths;
  return (await asked(paths, (path) => path.identity(deadlineMs))).paths;
}

/** Commands in a description, each with its own patience. */
const DESCRIBED_BY = 5;

/**
 * What the unit is, and the paths that data may go by, after the reservation is held: only then does every command of a
 * description work. Each session is told once what had happened to the unit, and must not be told instead of a write.
 * The others are left. Rejects as `answering`.
 */
export async function described(paths: Paths, deadlineMs: number): Promise<{ info: UnitInfo; paths: Paths }> {
  const { first, paths: good } = await asked(paths, (path) => path.describe(DESCRIBED_BY * deadlineMs));
  return { info: first, paths: good };
}

async function asked<T>(
  paths: Paths,
  ask: (path: UnitPath) => Promise<T>,
): Promise<{ first: T; paths: Paths }> {
  const good = new Map<number, UnitPath>();
  const all = [...paths];
  const answers = await Promise.allSettled(all.map(([, path]) => ask(path)));
  answers.forEach((answer, nth) => {
    const [number, path] = all[nth]!;
    if (answer.status === 'fulfilled') good.set(number, path);
    else void path.close();
  });
  const first = answers.find((answer) => answer.status === 'fulfilled');
  if (first !== undefined) return { first: first.value, paths: good };
  throw (answers[0] as PromiseRejectedResult).reason;
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
