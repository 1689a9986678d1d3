import { areaBytes, MAX_SLOTS } from '../area/layout.ts';
import type { BlockDevice } from '../ports/block-device.ts';
import { type Finding, ok, problem, size } from './finding.ts';

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
