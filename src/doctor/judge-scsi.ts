import { type Finding, ok, untried, warning } from './finding.ts';
import { wholeSectors } from './geometry.ts';
import type { ScsiFacts } from './scsi.ts';

/** SPC-4, table 217: Exclusive Access. */
const EXCLUSIVE_ACCESS = 3;

/** What this program makes of a unit; undefined while somebody else's reservation keeps it from being looked at. */
export type UnitView =
  | {
      /** Of the area that is there, or of one that would be laid out. */
      sectorBytes: number;
      durability: 'fua' | 'write-through' | 'flush';
    }
  | undefined;

export function judgeScsi(facts: ScsiFacts, view: UnitView): Finding[] {
  const looked =
    view === undefined
      ? []
      : [durability(view), ...wholeSectors(facts.capacity?.physicalBlockBytes, view.sectorBytes)];
  return [unit(facts), ...looked, fencing(facts), compareAndWrite(facts)];
}

function unit({ product, unitName, capacity }: ScsiFacts): Finding {
  const name = unitName ?? 'no name of its own: several paths cannot be told to lead to it';
  const thin = capacity?.thin === true ? '; thin: writes fail when its pool is full' : '';
  return ok('unit', `${product}, ${name}${thin}`);
}

function durability({ durability }: NonNullable<UnitView>): Finding {
  const how = {
    fua: 'writes by forced unit access: one command each',
    'write-through': 'no write cache: a write that was answered is on the medium',
    flush: 'no forced unit access: SYNCHRONIZE CACHE follows every write, two commands each',
  };
  return ok('durability', how[durability]);
}

function fencing(facts: ScsiFacts): Finding {
  const thing = 'fencing';
  const { registered, reservations, preemptAndAbort } = facts;
  if (registered === undefined)
    return warning(
      thing,
      'none: the unit has no persistent reservations',
      'as a data area use another unit; as a quorum area it needs none',
    );
  if (reservations?.types !== undefined && !reservations.types.includes(EXCLUSIVE_ACCESS))
    return warning(thing, 'no reservation of type Exclusive Access', 'as a data area use another unit');
  const ending = preemptAndAbort === 'yes' ? 'PREEMPT AND ABORT, as it says,' : 'PREEMPT';
  const what = `persistent reservations, taken by ${ending} and LOGICAL UNIT RESET; ${whoHas(registered)}`;
  if (reservations?.canPersist === true) return ok(thing, `${what}; fencing: reservation`);
  return warning(
    thing,
    `${what}; the target forgets them when it restarts, and the unit is open to all until its owner comes back`,
    'let nobody reach it before that; `arbiter storage --backend tgt` keeps its own closed until then',
  );
}

/** `registered` with a unit, in words. */
export function whoHas({ keys, held }: NonNullable<ScsiFacts['registered']>): string {
  if (held !== undefined) return `held under key 0x${held.key.toString(16).padStart(16, '0')}`;
  return keys.length === 0 ? 'nobody is registered' : `${new Set(keys).size} registered, nobody holds it`;
}

function compareAndWrite({ compareAndWrite, limits }: ScsiFacts): Finding {
  const thing = 'compare-write';
  const blocks = limits?.compareAndWriteBlocks;
  const needless = 'not needed: areas are laid out for plain reads and writes';
  if (compareAndWrite === 'no') return ok(thing, `not offered; ${needless}`);
  if (compareAndWrite === 'unsaid')
    return untried(thing, `the unit does not say whether it is offered; ${needless}`);
  if (blocks === 0) return untried(thing, `offered, and for no block at all (page B0); ${needless}`);
  const most = blocks === undefined ? '' : `, ${blocks} blocks at a time`;
  return ok(thing, `offered, by its own word${most}; never tried, and ${needless}`);
}
