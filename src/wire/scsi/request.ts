import { OutOfBounds, Reader } from '../../bytes/cursor.ts';

/** One command for a logical unit: its CDB, what goes out with it, and how many bytes may come back. */
export interface ScsiRequest {
  readonly cdb: Uint8Array;
  readonly dataOut?: Uint8Array;
  readonly dataInBytes?: number;
  /** As many bytes to read it into, in use until the command is settled; without it they come in memory of their own. */
  readonly into?: Uint8Array;
}

/** A logical unit answered GOOD, and what it sent is not what the command returns. One line, for people. */
export class MalformedScsiData extends Error {
  override readonly name = 'MalformedScsiData';
}

/** Reads the data a command returned; a field past the end of it is named with the command. */
export function readData<T>(what: string, data: Uint8Array, read: (reader: Reader) => T): T {
  try {
    return read(new Reader(data));
  } catch (cause) {
    if (!(cause instanceof OutOfBounds)) throw cause;
    throw new MalformedScsiData(`${what} returned too little: ${cause.message}`, { cause });
  }
}
