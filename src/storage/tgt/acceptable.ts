import type { InitiatorPdu } from '../../wire/iscsi/initiator-pdu.ts';
import type { RawPdu } from '../../wire/iscsi/pdu.ts';
import type { Task } from './task.ts';

/** Most that one command may move: tgtd sets memory aside for all of it. */
const MOST_COMMAND_BYTES = 32 * 1024 * 1024;

/** What a discovery session has nothing to do with (RFC 7143, 4.3). */
const OF_UNITS: ReadonlySet<InitiatorPdu['kind']> = new Set(['command', 'data-out', 'task-management']);
/** What has no data segment (RFC 7143, 11.5, 11.14, 11.16). */
const WITHOUT_DATA: ReadonlySet<InitiatorPdu['kind']> = new Set(['task-management', 'logout', 'snack']);

/**
 * What is wrong with a PDU of the full feature phase; undefined when it may go on. tgtd takes lengths and offsets at their
 * word, and puts what comes unexpectedly over whatever memory it used last: what no initiator sends must not get there.
 */
export function faultOf(pdu: RawPdu, said: InitiatorPdu, isDiscovery: boolean): string | undefined {
  if (isDiscovery && OF_UNITS.has(said.kind)) return 'a command in a session that is for discovery';
  if (said.kind !== 'command' && pdu.ahs.length > 0) return `an additional header with a ${said.kind}`;
  if (WITHOUT_DATA.has(said.kind) && pdu.data.length > 0) return `data with a ${said.kind}`;
  if (said.kind !== 'command') return undefined;
  const { expectedBytes, data, write } = said;
  if (expectedBytes > MOST_COMMAND_BYTES) {
    return `a command of ${expectedBytes} bytes; at most ${MOST_COMMAND_BYTES} are taken`;
  }
  if (!write && data.length > 0) return 'data with a command that writes none';
  return data.length > expectedBytes ? `${data.length} bytes with a command of ${expectedBytes}` : undefined;
}

/** The same of a Data-Out, for the task that it says it is of. */
export function faultOfData(
  said: InitiatorPdu & { kind: 'data-out' },
  task: Task | undefined,
): string | undefined {
  if (task === undefined || task.command === null) return 'data of a command that is not under way';
  const end = said.offsetBytes + said.data.length;
  if (end > task.expectedBytes) return `data up to byte ${end} of a command of ${task.expectedBytes}`;
  const { missingBytes } = task;
  return said.data.length > missingBytes
    ? `${said.data.length} bytes where ${missingBytes} are missing`
    : undefined;
}
