import { encodeHeader } from '../area/header.ts';
import { areaBytes, headerOffset, recordOffset, slotOffset } from '../area/layout.ts';
import { encodeSlot, NO_INCARNATION } from '../area/slot.ts';
import { type BlockDevice } from '../ports/block-device.ts';
import type { Header } from '../protocol/types.ts';
import { REQUEST_DEADLINE_MS, unusable } from './area-access.ts';
import { EXIT } from './errors.ts';

/** One write of `init`: one sector, and what it holds. */
export interface Step {
  what: string;
  offset: number;
  sector: Uint8Array;
}

/**
 * The writes that lay out an area, in order: node slots, the ownership record (all zero: no owner yet), and the header
 * last, so that an area which was not finished is not one. Over something else (`existingBytes` of it) the old header
 * goes first, for the same reason, and nothing of the old is left behind the new.
 */
export function planOf(
  header: Header,
  nodes: readonly string[],
  existingBytes: number | undefined,
  wallMs: number,
): Step[] {
  const { sectorBytes, slots, clusterId } = header;
  const end = areaBytes(sectorBytes, slots);
  const steps: Step[] = [];
  const empty = (what: string, offset: number): void => {
    steps.push({ what, offset, sector: new Uint8Array(sectorBytes) });
  };
  if (existingBytes !== undefined) empty('the old header', headerOffset);
  for (let index = 0; index < slots; index += 1) {
    const offset = slotOffset(sectorBytes, index);
    const node = nodes[index];
    if (node === undefined) empty(`free slot ${index}`, offset);
    else
      steps.push({ what: `slot ${index}`, offset, sector: slotOf(node, { clusterId, sectorBytes, wallMs }) });
  }
  for (let offset = end; offset + sectorBytes <= (existingBytes ?? 0); offset += sectorBytes) {
    empty('what was behind it', offset);
  }
  empty('the ownership record', recordOffset(sectorBytes));
  steps.push({ what: 'the header', offset: headerOffset, sector: encodeHeader(header, wallMs) });
  return steps;
}

function slotOf(
  node: string,
  framing: { clusterId: string; sectorBytes: number; wallMs: number },
): Uint8Array {
  return encodeSlot({ node, incarnation: NO_INCARNATION, counter: 0, role: 'none', epoch: 0 }, framing);
}

/**
 * Carries out the plan and reads everything back. Throws CommandError when the storage refuses a write or gives back
 * something else. An interrupt waits for the end: it is a few writes away.
 */
export async function layOut(device: BlockDevice, steps: readonly Step[]): Promise<void> {
  const interrupts = holdInterrupts();
  try {
    for (const { what, offset, sector } of steps) {
      await device.writeDurably(offset, sector, REQUEST_DEADLINE_MS).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        throw unusable(device, `nothing was laid out: writing ${what} failed: ${reason}`, { cause: error });
      });
    }
    await verify(device, steps);
  } finally {
    if (interrupts.release()) process.exitCode = EXIT.interrupted;
  }
}

async function verify(device: BlockDevice, steps: readonly Step[]): Promise<void> {
  const last = new Map(steps.map((step) => [step.offset, step]));
  for (const { what, offset, sector } of last.values()) {
    const found = await device.read(offset, sector.length, REQUEST_DEADLINE_MS);
    if (!Buffer.from(found).equals(sector)) {
      throw unusable(device, `${what} at ${offset} reads back differently from what was written`);
    }
  }
}

function holdInterrupts(): { release: () => boolean } {
  let interrupted = false;
  const note = (): void => {
    interrupted = true;
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, note);
  return {
    release: () => {
      for (const signal of signals) process.off(signal, note);
      return interrupted;
    },
  };
}
