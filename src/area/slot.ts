import type { NodeSlot, Reading, SlotRole } from '../protocol/types.ts';
import { decodeBlock, encodeBlock, type Framing, InvalidField } from './block.ts';
import { putChoice, putCount, putIncarnation, putName } from './field.ts';
import { takeChoice, takeCount, takeIncarnation, takeName } from './field.ts';

/**
 * A node slot's fields, from byte 40 on:
 *
 *   40   4  role: 0 none, 1 standby, 2 claimant, 3 owner
 *   44   8  highest epoch this server used or saw
 *   52   8  counter
 *   60  16  incarnation; all zero until an agent has used the slot
 *   76  32  node, NUL padded
 */
const ROLES: readonly SlotRole[] = ['none', 'standby', 'claimant', 'owner'];

/** The incarnation in a slot that no agent has used yet. */
export const NO_INCARNATION = '0'.repeat(32);

/** One sector that carries `slot`. Throws RangeError for a slot no server may write. */
export function encodeSlot(slot: NodeSlot, framing: Framing): Uint8Array {
  if (slot.node === '') throw new RangeError('a slot needs a node');
  return encodeBlock('slot', framing, (fields) => {
    putChoice(fields, 'role', ROLES, slot.role);
    putCount(fields, 'epoch', slot.epoch);
    putCount(fields, 'counter', slot.counter);
    putIncarnation(fields, slot.incarnation);
    putName(fields, 'node', slot.node);
  });
}

/** The slot in `sector`; one of another cluster than `clusterId` is damaged. Undefined: any cluster will do. */
export function decodeSlot(sector: Uint8Array, clusterId: string | undefined): Reading<NodeSlot> {
  return decodeBlock('slot', sector, clusterId, (fields) => {
    const role = takeChoice(fields, 'role', ROLES);
    const epoch = takeCount(fields, 'epoch');
    const counter = takeCount(fields, 'counter');
    const incarnation = takeIncarnation(fields);
    const node = takeName(fields, 'node');
    if (node === '') throw new InvalidField('no node');
    return { node, incarnation, counter, role, epoch };
  });
}
