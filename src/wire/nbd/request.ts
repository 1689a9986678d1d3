import { Writer } from '../../bytes/cursor.ts';
import { NBD_CMD, NBD_CMD_FLAG, NBD_REQUEST_MAGIC, NBD_SIZE } from './constants.ts';

/** What a client asks of an export. Offsets and lengths are bytes. Each only where the export offers it. */
export type Command =
  | { kind: 'read'; offsetBytes: number; lengthBytes: number }
  /** `fua`: the answer comes when the bytes are on stable storage. */
  | { kind: 'write'; offsetBytes: number; bytes: Uint8Array; fua: boolean }
  /** Covers the writes, of zeroes too, and the trims that were answered before it was sent. */
  | { kind: 'flush' }
  /** A hint that these bytes are not needed any more: what they read as afterwards is anybody's guess. */
  | { kind: 'trim'; offsetBytes: number; lengthBytes: number }
  /** `noHole`: space stays allocated. `fast`: fails with ENOTSUP where it would be no faster than a write of zeroes. */
  | {
      kind: 'write-zeroes';
      offsetBytes: number;
      lengthBytes: number;
      fua: boolean;
      noHole: boolean;
      fast: boolean;
    };

/** Gives memory of exactly so many bytes, whatever is in it. */
export type Room = (lengthBytes: number) => Uint8Array;

const fresh: Room = (lengthBytes) => new Uint8Array(lengthBytes);

/**
 * One request as bytes ("Request message"), laid into what `room` gives. A write's payload is copied: its owner may change
 * it afterwards.
 */
export function encodeRequest(command: Command, cookie: number, room = fresh): Uint8Array {
  switch (command.kind) {
    case 'read':
      return request(room, NBD_CMD.READ, 0, cookie, command.offsetBytes, command.lengthBytes);
    case 'write': {
      const { bytes, offsetBytes, fua } = command;
      return request(
        room,
        NBD_CMD.WRITE,
        fua ? NBD_CMD_FLAG.FUA : 0,
        cookie,
        offsetBytes,
        bytes.length,
        bytes,
      );
    }
    case 'trim':
      return request(room, NBD_CMD.TRIM, 0, cookie, command.offsetBytes, command.lengthBytes);
    case 'write-zeroes': {
      const { offsetBytes, lengthBytes, fua, noHole, fast } = command;
      const flags =
        (fua ? NBD_CMD_FLAG.FUA : 0) |
        (noHole ? NBD_CMD_FLAG.NO_HOLE : 0) |
        (fast ? NBD_CMD_FLAG.FAST_ZERO : 0);
      return request(room, NBD_CMD.WRITE_ZEROES, flags, cookie, offsetBytes, lengthBytes);
    }
    default:
      return request(room, NBD_CMD.FLUSH, 0, cookie, 0, 0);
  }
}

/** NBD_CMD_DISC. It has no answer, and nothing may be sent after it. */
export function encodeDisconnect(): Uint8Array {
  return request(fresh, NBD_CMD.DISC, 0, 0, 0, 0);
}

/** For messages: `write of 512 bytes at 4096`. */
export function describeCommand(command: Command): string {
  switch (command.kind) {
    case 'write':
      return `write of ${command.bytes.length} bytes at ${command.offsetBytes}`;
    case 'write-zeroes':
      return `write of ${command.lengthBytes} zeroes at ${command.offsetBytes}`;
    case 'flush':
      return command.kind;
    default:
      return `${command.kind} of ${command.lengthBytes} bytes at ${command.offsetBytes}`;
  }
}

const empty = new Uint8Array(0);

function request(
  room: Room,
  type: number,
  flags: number,
  cookie: number,
  offsetBytes: number,
  lengthBytes: number,
  payload: Uint8Array = empty,
): Uint8Array {
  const bytes = room(NBD_SIZE.request + payload.length);
  new Writer(bytes)
    .u32(NBD_REQUEST_MAGIC)
    .u16(flags)
    .u16(type)
    .u64(cookie)
    .u64(offsetBytes)
    .u32(lengthBytes)
    .bytes(payload);
  return bytes;
}
