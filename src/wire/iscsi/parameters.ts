import type { InitiatorOptions, SessionWishes } from './options.ts';

/** How a key is negotiated and what holds without (RFC 7143, section 13). `leading`: not in a discovery session. */
export type Rule =
  /** The answer is the smaller or the larger of both numbers. */
  | { type: 'minimum' | 'maximum'; least: number; most: number; default: number; normalOnly: boolean }
  /** Either side tells its own, and nobody answers. */
  | { type: 'declared'; least: number; most: number; default: number; normalOnly: boolean }
  | { type: 'and' | 'or'; default: boolean; normalOnly: boolean }
  /** The first of the offered values that the other side can do. */
  | { type: 'list'; default: string; normalOnly: boolean };

const largest = 0xff_ffff;
const number = (
  type: 'minimum' | 'maximum' | 'declared',
  least: number,
  most: number,
  byDefault: number,
) => ({
  type,
  least,
  most,
  default: byDefault,
});

/** Sections 13.1 to 13.20, as far as they are negotiated in the operational stage. */
export const rules = {
  HeaderDigest: { type: 'list', default: 'None', normalOnly: false },
  DataDigest: { type: 'list', default: 'None', normalOnly: false },
  MaxRecvDataSegmentLength: { ...number('declared', 512, largest, 8192), normalOnly: false },
  DefaultTime2Wait: { ...number('maximum', 0, 3600, 2), normalOnly: false },
  DefaultTime2Retain: { ...number('minimum', 0, 3600, 20), normalOnly: false },
  ErrorRecoveryLevel: { ...number('minimum', 0, 2, 0), normalOnly: false },
  MaxConnections: { ...number('minimum', 1, 65535, 1), normalOnly: true },
  InitialR2T: { type: 'or', default: true, normalOnly: true },
  ImmediateData: { type: 'and', default: true, normalOnly: true },
  MaxBurstLength: { ...number('minimum', 512, largest, 262144), normalOnly: true },
  FirstBurstLength: { ...number('minimum', 512, largest, 65536), normalOnly: true },
  MaxOutstandingR2T: { ...number('minimum', 1, 65535, 1), normalOnly: true },
  DataPDUInOrder: { type: 'or', default: true, normalOnly: true },
  DataSequenceInOrder: { type: 'or', default: true, normalOnly: true },
} as const satisfies Record<string, Rule>;

export type Key = keyof typeof rules;
export type Value = string | number | boolean;

export function isKey(key: string): key is Key {
  return Object.hasOwn(rules, key);
}

/** What is asked for unless `InitiatorOptions.wishes` says otherwise. */
const usualWishes: SessionWishes = {
  maxReceiveSegmentBytes: 262144,
  maxBurstBytes: 1024 * 1024,
  firstBurstBytes: 262144,
  initialR2T: false,
  immediateData: true,
  maxOutstandingR2T: 1,
};

/**
 * What this initiator offers: one connection, no error recovery beyond a new session, and of a session that is lost
 * nothing to be kept.
 */
export function offersOf(options: InitiatorOptions): ReadonlyMap<Key, Value> {
  const wishes = { ...usualWishes, ...options.wishes };
  const digests = { none: 'None', crc32c: 'CRC32C', prefer: 'CRC32C,None' };
  const all: Record<Key, Value> = {
    HeaderDigest: digests[options.headerDigest],
    DataDigest: digests[options.dataDigest],
    MaxRecvDataSegmentLength: wishes.maxReceiveSegmentBytes,
    DefaultTime2Wait: 2,
    DefaultTime2Retain: 0,
    ErrorRecoveryLevel: 0,
    MaxConnections: 1,
    InitialR2T: wishes.initialR2T,
    ImmediateData: wishes.immediateData,
    MaxBurstLength: wishes.maxBurstBytes,
    FirstBurstLength: Math.min(wishes.firstBurstBytes, wishes.maxBurstBytes),
    MaxOutstandingR2T: wishes.maxOutstandingR2T,
    DataPDUInOrder: true,
    DataSequenceInOrder: true,
  };
  const entries = Object.entries(all) as [Key, Value][];
  const discovery = options.targetName === '';
  return new Map(entries.filter(([key]) => !(discovery && rules[key].normalOnly)));
}

/** A value as it is written (section 6.1). */
export function written(value: Value): string {
  return typeof value === 'boolean' ? (value ? 'Yes' : 'No') : String(value);
}

/** The number that is written in decimal or in hexadecimal (section 6.1). */
export function numberOf(text: string): number | undefined {
  return /^(?:0|[1-9][0-9]{0,9}|0[xX][0-9a-fA-F]{1,8})$/.test(text) ? Number(text) : undefined;
}
