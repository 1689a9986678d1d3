import { Writer } from '../../bytes/cursor.ts';
import { OPERATION } from './operation.ts';
import type { ScsiRequest } from './request.ts';

/** Service actions of PERSISTENT RESERVE IN (SPC-4, table 214). */
export const PR_IN = {
  READ_KEYS: 0,
  READ_RESERVATION: 1,
  REPORT_CAPABILITIES: 2,
  READ_FULL_STATUS: 3,
} as const;

/** Service actions of PERSISTENT RESERVE OUT (SPC-4, table 227). */
export const PR_OUT = {
  REGISTER: 0,
  RESERVE: 1,
  RELEASE: 2,
  CLEAR: 3,
  PREEMPT: 4,
  PREEMPT_AND_ABORT: 5,
  REGISTER_AND_IGNORE_EXISTING_KEY: 6,
  REGISTER_AND_MOVE: 7,
  REPLACE_LOST_RESERVATION: 8,
} as const;

/** Types of a persistent reservation (SPC-4, table 217). */
export const PR_TYPE = {
  WRITE_EXCLUSIVE: 1,
  EXCLUSIVE_ACCESS: 3,
  WRITE_EXCLUSIVE_REGISTRANTS_ONLY: 5,
  EXCLUSIVE_ACCESS_REGISTRANTS_ONLY: 6,
  WRITE_EXCLUSIVE_ALL_REGISTRANTS: 7,
  EXCLUSIVE_ACCESS_ALL_REGISTRANTS: 8,
} as const;

const typeNames = new Map<number, string>(
  Object.entries(PR_TYPE).map(([name, type]) => [type, name.replaceAll('_', ' ').toLowerCase()]),
);

/** `exclusive access`; a number for what has no name. */
export function reservationTypeName(type: number): string {
  return typeNames.get(type) ?? `type ${type}`;
}

const allocationBytes = 8192;
const basicListBytes = 24;
const moveListBytes = 24;

/** PERSISTENT RESERVE IN (SPC-4, 6.15). What it returns is read by the functions of persistent-reserve-data.ts. */
export function persistentReserveIn(serviceAction: number, dataInBytes = allocationBytes): ScsiRequest {
  const cdb = new Uint8Array(10);
  new Writer(cdb).u8(OPERATION.PERSISTENT_RESERVE_IN).u8(serviceAction).skip(5).u16(dataInBytes);
  return { cdb, dataInBytes };
}

/** What goes with every PERSISTENT RESERVE OUT but REGISTER AND MOVE. What the service action does not look at is 0. */
export interface ReserveOutParameters {
  serviceAction: number;
  /** One of `PR_TYPE`; of RESERVE, RELEASE and the two PREEMPTs. */
  type: number;
  /** The key this initiator port is registered with; 0 when it is not. */
  key: bigint;
  /** The new key of a REGISTER, the victim's of a PREEMPT. */
  serviceActionKey: bigint;
  /** Keep it over a loss of power (APTPL). */
  persist: boolean;
  /** Register with every port of the target (ALL_TG_PT). */
  allTargetPorts: boolean;
  /** Register these initiator ports too (SPEC_I_PT), each as SPC-4, 7.6.4 has it. */
  transportIds: readonly Uint8Array[];
}

/** PERSISTENT RESERVE OUT (SPC-4, 6.16) with its basic parameter list (6.16.3). The scope is the whole unit. */
export function persistentReserveOut(
  serviceAction: number,
  options: Partial<Omit<ReserveOutParameters, 'serviceAction'>>,
): ScsiRequest {
  const ids = options.transportIds ?? [];
  const idBytes = ids.reduce((sum, id) => sum + id.length, 0);
  const dataOut = new Uint8Array(basicListBytes + (ids.length > 0 ? 4 + idBytes : 0));
  const writer = new Writer(dataOut)
    .u64(options.key ?? 0n)
    .u64(options.serviceActionKey ?? 0n)
    .skip(4)
    .u8(
      (ids.length > 0 ? 0x08 : 0) |
        (options.allTargetPorts === true ? 0x04 : 0) |
        (options.persist === true ? 0x01 : 0),
    )
    .skip(3);
  if (ids.length > 0) writer.u32(idBytes);
  for (const id of ids) writer.bytes(id);
  return { cdb: outCdb(serviceAction, options.type ?? 0, dataOut.length), dataOut };
}

export interface MoveParameters {
  /** As in `ReserveOutParameters`; of REGISTER AND MOVE. */
  type: number;
  key: bigint;
  serviceActionKey: bigint;
  persist: boolean;
  /** Of the port that moves away (UNREG). */
  unregister: boolean;
  relativeTargetPort: number;
  transportId: Uint8Array;
}

/** REGISTER AND MOVE (SPC-4, 6.16.4), which has a parameter list of its own. */
export function registerAndMove(move: MoveParameters): ScsiRequest {
  const dataOut = new Uint8Array(moveListBytes + move.transportId.length);
  new Writer(dataOut)
    .u64(move.key)
    .u64(move.serviceActionKey)
    .skip(1)
    .u8((move.unregister ? 0x02 : 0) | (move.persist ? 0x01 : 0))
    .u16(move.relativeTargetPort)
    .u32(move.transportId.length)
    .bytes(move.transportId);
  return { cdb: outCdb(PR_OUT.REGISTER_AND_MOVE, move.type, dataOut.length), dataOut };
}

function outCdb(serviceAction: number, type: number, listBytes: number): Uint8Array {
  const cdb = new Uint8Array(10);
  new Writer(cdb).u8(OPERATION.PERSISTENT_RESERVE_OUT).u8(serviceAction).u8(type).skip(2).u32(listBytes);
  return cdb;
}
