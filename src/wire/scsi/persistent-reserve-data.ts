import type { Reader } from '../../bytes/cursor.ts';
import { PR_OUT, type ReserveOutParameters } from './persistent-reserve.ts';
import { MalformedScsiData, readData } from './request.ts';

/** Who is registered. `complete` is false when there are more keys than there was room for. */
export interface RegisteredKeys {
  /** Counts every change of a registration since the unit's power came on (PRGENERATION). */
  generation: number;
  /** One for each I_T nexus: a key may be there several times. */
  keys: readonly bigint[];
  complete: boolean;
}

/** READ KEYS (SPC-4, 6.15.2). */
export function parseKeys(data: Uint8Array): RegisteredKeys {
  return readData('PERSISTENT RESERVE IN (read keys)', data, (reader) => {
    const { generation, listBytes, complete } = head(reader);
    const keys = Array.from({ length: Math.floor(listBytes / 8) }, () => reader.u64());
    return { generation, keys, complete };
  });
}

/** Of a reservation. For the "all registrants" types the key is 0: every registration holds it. */
export interface Reservation {
  generation: number;
  held: { key: bigint; type: number; scope: number } | undefined;
}

/** READ RESERVATION (SPC-4, 6.15.3). */
export function parseReservation(data: Uint8Array): Reservation {
  return readData('PERSISTENT RESERVE IN (read reservation)', data, (reader) => {
    const generation = reader.u32();
    if (reader.u32() === 0) return { generation, held: undefined };
    const key = reader.u64();
    reader.skip(5);
    return { generation, held: { key, ...scopeAndType(reader) } };
  });
}

export interface ReservationCapabilities {
  /** A registration can outlive a loss of power (PTPL_C), and the one that counts now does (PTPL_A). */
  canPersist: boolean;
  persists: boolean;
  /** Registers with all ports of a target (ATP_C), or other initiator ports too (SIP_C). */
  allTargetPorts: boolean;
  specifiesInitiators: boolean;
  /** The types of `PR_TYPE` it knows; undefined where it does not say (TMV is 0). */
  types: readonly number[] | undefined;
}

/** Type and its bit in the two bytes of the mask (SPC-4, table 223). */
const maskBits: readonly (readonly [type: number, bit: number])[] = [
  [1, 0x0200],
  [3, 0x0800],
  [5, 0x2000],
  [6, 0x4000],
  [7, 0x8000],
  [8, 0x0001],
];

/** REPORT CAPABILITIES (SPC-4, 6.15.4). */
export function parseReservationCapabilities(data: Uint8Array): ReservationCapabilities {
  return readData('PERSISTENT RESERVE IN (report capabilities)', data, (reader) => {
    reader.skip(2);
    const can = reader.u8();
    const now = reader.u8();
    const mask = reader.u16();
    return {
      canPersist: (can & 0x01) !== 0,
      persists: (now & 0x01) !== 0,
      allTargetPorts: (can & 0x04) !== 0,
      specifiesInitiators: (can & 0x08) !== 0,
      types:
        (now & 0x80) === 0
          ? undefined
          : maskBits.filter(([, bit]) => (mask & bit) !== 0).map(([type]) => type),
    };
  });
}

/** One registration of one I_T nexus. */
export interface FullStatus {
  key: bigint;
  holder: boolean;
  type: number;
  scope: number;
  allTargetPorts: boolean;
  relativeTargetPort: number;
  transportId: Uint8Array;
}

/** READ FULL STATUS (SPC-4, 6.15.5). */
export function parseFullStatus(data: Uint8Array): {
  generation: number;
  registrations: readonly FullStatus[];
} {
  return readData('PERSISTENT RESERVE IN (read full status)', data, (reader) => {
    const { generation, listBytes } = head(reader);
    const end = reader.offset + listBytes;
    const registrations: FullStatus[] = [];
    while (reader.offset < end) {
      const key = reader.u64();
      reader.skip(4);
      const flags = reader.u8();
      const { type, scope } = scopeAndType(reader);
      reader.skip(4);
      const relativeTargetPort = reader.u16();
      const transportId = reader.bytes(reader.u32()).slice();
      const holder = (flags & 0x01) !== 0;
      const allTargetPorts = (flags & 0x02) !== 0;
      registrations.push({ key, holder, type, scope, allTargetPorts, relativeTargetPort, transportId });
    }
    return { generation, registrations };
  });
}

/**
 * The parameter list of a PERSISTENT RESERVE OUT, as one who looks on sees it; `cdb` is the command's. Undefined for
 * REGISTER AND MOVE, which has another list. Throws `MalformedScsiData` when the list is too short.
 */
export function parseReserveOut(cdb: Uint8Array, list: Uint8Array): ReserveOutParameters | undefined {
  const serviceAction = cdb[1]! & 0x1f;
  if (serviceAction === PR_OUT.REGISTER_AND_MOVE) return undefined;
  return readData('PERSISTENT RESERVE OUT', list, (reader) => {
    const key = reader.u64();
    const serviceActionKey = reader.u64();
    reader.skip(4);
    const flags = reader.u8();
    reader.skip(3);
    return {
      serviceAction,
      type: cdb[2]! & 0x0f,
      key,
      serviceActionKey,
      persist: (flags & 0x01) !== 0,
      allTargetPorts: (flags & 0x04) !== 0,
      transportIds: (flags & 0x08) === 0 ? [] : transportIdsIn(reader),
    };
  });
}

/** 7.6.4: each has its length in it, for iSCSI; the others have 24 bytes. */
function transportIdsIn(reader: Reader): readonly Uint8Array[] {
  const list = reader.bytes(reader.u32());
  const ids: Uint8Array[] = [];
  for (let at = 0; at < list.length; at += ids.at(-1)!.length) {
    const isIscsi = (list[at]! & 0x0f) === 0x05;
    const bytes = isIscsi ? 4 + (((list[at + 2] ?? 0) << 8) | (list[at + 3] ?? 0)) : 24;
    if (at + bytes > list.length)
      throw new MalformedScsiData('PERSISTENT RESERVE OUT with a TransportID that is cut off');
    ids.push(list.slice(at, at + bytes));
  }
  return ids;
}

/** PRGENERATION and ADDITIONAL LENGTH; what there is of the list may be less than what it says. */
function head(reader: Reader): { generation: number; listBytes: number; complete: boolean } {
  const generation = reader.u32();
  const saysBytes = reader.u32();
  const complete = saysBytes <= reader.remaining;
  return { generation, listBytes: complete ? saysBytes : reader.remaining, complete };
}

function scopeAndType(reader: Reader): { scope: number; type: number } {
  const byte = reader.u8();
  return { scope: byte >> 4, type: byte & 0x0f };
}
