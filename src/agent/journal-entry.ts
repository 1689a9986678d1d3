import type { ProtocolEntry } from '../protocol/types.ts';

/**
 * The entry as it stands in a journal line: instants (fields that end in `At`) are milliseconds inside the protocol and
 * whole nanoseconds outside. Off by 1 ns at most for 104 days of uptime.
 */
export function inNanoseconds(entry: ProtocolEntry): ProtocolEntry {
  const converted = Object.entries(entry).map(([name, value]: [string, unknown]) =>
    name.endsWith('At') && typeof value === 'number' ? [name, Math.round(value * 1e6)] : [name, value],
  );
  return Object.fromEntries(converted) as ProtocolEntry;
}
