import { Reader } from '../../bytes/cursor.ts';
import { hex } from './operation.ts';
import { additionalSenseWords } from './sense-words.ts';

/** SPC-4, 4.5.6 "Sense key and additional sense code definitions". */
export const SENSE_KEY = {
  NO_SENSE: 0x0,
  RECOVERED_ERROR: 0x1,
  NOT_READY: 0x2,
  MEDIUM_ERROR: 0x3,
  HARDWARE_ERROR: 0x4,
  ILLEGAL_REQUEST: 0x5,
  UNIT_ATTENTION: 0x6,
  DATA_PROTECT: 0x7,
  BLANK_CHECK: 0x8,
  VENDOR_SPECIFIC: 0x9,
  COPY_ABORTED: 0xa,
  ABORTED_COMMAND: 0xb,
  VOLUME_OVERFLOW: 0xd,
  MISCOMPARE: 0xe,
  COMPLETED: 0xf,
} as const;

/** Why a logical unit answered CHECK CONDITION. */
export interface Sense {
  key: number;
  /** Additional sense code and its qualifier. */
  asc: number;
  ascq: number;
  /** About an earlier command, whose answer was GOOD already (response codes 71h and 73h). */
  deferred: boolean;
  /** Where it went wrong: the block of a medium error, the offset in bytes of the first difference of a miscompare. */
  information?: bigint;
}

const keyNames = new Map<number, string>(
  Object.entries(SENSE_KEY).map(([name, key]) => [key, name.replaceAll('_', ' ')]),
);

/**
 * Sense data in either format (SPC-4, 4.5.2 descriptor, 4.5.3 fixed). Undefined for what is neither: too short to hold a
 * sense key, or of a vendor's own format (7Fh). A code that does not fit in is 0, as the standard has it.
 */
export function parseSense(data: Uint8Array): Sense | undefined {
  if (data.length < 3) return undefined;
  switch (data[0]! & 0x7f) {
    case 0x70:
    case 0x71:
      return fixed(data);
    case 0x72:
    case 0x73:
      return descriptor(data);
    default:
      return undefined;
  }
}

/** `UNIT ATTENTION 2Ah/03h (reservations preempted)`. */
export function describeSense({ key, asc, ascq, deferred }: Sense): string {
  const words = additionalSenseWords(asc, ascq);
  const shown = words === undefined ? '' : ` (${words})`;
  return `${deferred ? 'deferred ' : ''}${senseKeyName(key)} ${hex(asc)}/${hex(ascq)}${shown}`;
}

/** `ILLEGAL REQUEST`; a number in hex for the one that is reserved. */
export function senseKeyName(key: number): string {
  return keyNames.get(key) ?? `sense key ${hex(key)}`;
}

function fixed(data: Uint8Array): Sense {
  const valid = (data[0]! & 0x80) !== 0 && data.length >= 7;
  return {
    key: data[2]! & 0x0f,
    asc: data[12] ?? 0,
    ascq: data[13] ?? 0,
    deferred: (data[0]! & 0x7f) === 0x71,
    ...(valid ? { information: BigInt(new Reader(data.subarray(3)).u32()) } : {}),
  };
}

function descriptor(data: Uint8Array): Sense {
  const information = informationIn(data);
  return {
    key: data[1]! & 0x0f,
    asc: data[2]!,
    ascq: data[3] ?? 0,
    deferred: (data[0]! & 0x7f) === 0x73,
    ...(information === undefined ? {} : { information }),
  };
}

/** 4.5.2.2: the information sense data descriptor, type 00h. One that does not fit in is not there. */
function informationIn(data: Uint8Array): bigint | undefined {
  const end = Math.min(data.length, 8 + (data[7] ?? 0));
  for (let at = 8; at + 2 <= end; at += 2 + data[at + 1]!) {
    if (data[at] !== 0x00 || data[at + 1] !== 0x0a || at + 12 > end) continue;
    return (data[at + 2]! & 0x80) === 0 ? undefined : new Reader(data.subarray(at + 4)).u64();
  }
  return undefined;
}
