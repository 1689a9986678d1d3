/**
 * What is wrong with a unit that calls itself `found` where one was that called itself `known` (INQUIRY page 83): it is another
 * one, whatever its address says. Undefined when it is the same, or when the one before had no name to tell it by.
 */
export function otherUnit(known: string, found: string): string | undefined {
  if (known === '' || found === known) return undefined;
  return `another unit than before is there: ${shown(found)} instead of ${shown(known)} (INQUIRY page 83); when that is meant, start this anew`;
}

const SHOWN_MAX = 80;

function shown(identity: string): string {
  if (identity === '') return 'one without a name';
  return identity.length > SHOWN_MAX ? `${identity.slice(0, SHOWN_MAX)}...` : identity;
}
