import { areaBytes, MAX_SLOTS } from '../area/layout.ts';
import type { BlockDevice } from '../ports/block-device.ts';
import { type Finding, ok, problem, size, warning } from './finding.ts';

/** Size, sectors, and whether it can be written at all. */
export function judgeGeometry({ sizeBytes, sectorBytes, readOnly }: BlockDevice): Finding[] {
  const findings = [judgeSize(sizeBytes, sectorBytes)];
  if (readOnly) {
    findings.push(
      problem(
        'writable',
        'no: read-only, so neither init nor an agent can work with it',
        'give write access to it',
      ),
    );
  }
  return findings;
}

function judgeSize(sizeBytes: number, sectorBytes: number): Finding {
  const thing = 'size';
  const has = `${size(sizeBytes)} in sectors of ${sectorBytes} bytes`;
  if (sectorBytes > 4096)
    return problem(
      thing,
      `${has}: a quorum area has sectors of 512 or 4096`,
      'use a storage with smaller sectors',
    );
  const areaSector = sectorBytes > 512 ? 4096 : 512;
  const slots = Math.min(MAX_SLOTS, Math.floor(sizeBytes / areaSector) - 2);
  if (slots >= 1) return ok(thing, `${has}: room for a quorum area of up to ${slots} slots`);
  const least = areaBytes(areaSector, 1);
  return problem(
    thing,
    `${has}: the smallest quorum area has ${least} bytes`,
    `make it ${least} bytes at least`,
  );
}

/**
 * What a medium writes at a time is torn by a power cut as a whole: with more than one sector of an area in it, a torn write
 * of one server damages what another one wrote. Nothing where the medium does not say.
 */
export function wholeSectors(physicalBytes: number | undefined, sectorBytes: number): Finding[] {
  if (physicalBytes === undefined) return [];
  const thing = 'whole sectors';
  const writes = `the medium writes ${physicalBytes} bytes at a time`;
  if (physicalBytes <= sectorBytes) return [ok(thing, writes)];
  const why = `${writes}, and a sector of an area has ${sectorBytes}: its neighbours are written with it`;
  if (physicalBytes > 4096) return [warning(thing, why, 'use a storage with smaller physical blocks')];
  const initFlag = '--sector 4096';
  return [{ ...warning(thing, why, `lay out the area with ${initFlag}`), initFlag }];
}
