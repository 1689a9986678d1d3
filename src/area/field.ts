import type { Reader, Writer } from '../bytes/cursor.ts';
import { hexBytes, InvalidField } from './block.ts';

/** Room for a name: at most 31 characters, and at least one NUL behind them. */
const NAME_BYTES = 32;
const NAME = /^[a-z0-9][a-z0-9-]{0,30}$/;

/** The rule for node names. No dot, no at-sign: they end up in export names. */
export function isNodeName(name: string): boolean {
  return NAME.test(name);
}

/** A counter or an epoch: 64 bits on the disk, of which 53 are in use. */
export function takeCount(fields: Reader, what: string): number {
  const value = fields.u64();
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new InvalidField(`${what} ${value} is above 2^53-1`);
  return Number(value);
}

export function putCount(fields: Writer, what: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${what} ${value}`);
  fields.u64(value);
}

/** A node name, or '' where there is none. */
export function takeName(fields: Reader, what: string): string {
  const raw = Buffer.from(fields.bytes(NAME_BYTES)).toString('latin1');
  const end = raw.indexOf('\0');
  const name = end < 0 ? raw : raw.slice(0, end);
  if (!/^\0+$/.test(raw.slice(name.length)) || (name !== '' && !isNodeName(name))) {
    throw new InvalidField(`${what} ${JSON.stringify(raw.replace(/\0+$/, ''))} is not a node name`);
  }
  return name;
}

export function putName(fields: Writer, what: string, name: string): void {
  if (name !== '' && !isNodeName(name)) throw new RangeError(`${what} '${name}' is not a node name`);
  fields.bytes(Buffer.from(name.padEnd(NAME_BYTES, '\0'), 'latin1'));
}

/** 32 hex digits. */
export function takeIncarnation(fields: Reader): string {
  return Buffer.from(fields.bytes(16)).toString('hex');
}

export function putIncarnation(fields: Writer, incarnation: string): void {
  fields.bytes(hexBytes(incarnation));
}

/** A number that stands for one of `names`, by position. */
export function takeChoice<T>(fields: Reader, what: string, names: readonly T[]): T {
  const value = fields.u32();
  if (value >= names.length)
    throw new InvalidField(`${what} ${value} is not one of 0 to ${names.length - 1}`);
  return names[value]!;
}

export function putChoice<T>(fields: Writer, what: string, names: readonly T[], name: T): void {
  const value = names.indexOf(name);
  if (value < 0) throw new RangeError(`${what} ${String(name)}`);
  fields.u32(value);
}
