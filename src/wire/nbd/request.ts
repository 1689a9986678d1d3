import { Writer } from '../../bytes/cursor.ts';
import { NBD_CMD, NBD_CMD_FLAG, NBD_REQUEST_MAGIC, NBD_SIZE } from './constants.ts';

/** What a client asks of an export. Offsets and lengths are bytes. */
export type Command =
  | { kind: 'read'; offsetBytes: number; lengthBytes: number }
  /** `fua`: the answer comes when the bytes are on stable storage; for exports that offer it only. */
  | { kind: 'write'; offsetBytes: number; bytes: Uint8Array; fua: boolean }
  /** Covers the writes that were answered before it was sent. For exports that offer it only. */
  | { kind: 'flush' };

/** One request as bytes ("Request message"). A write's payload is copied: its owner may change it afterwards. */
export function encodeRequest(command: Command, cookie: bigint): Uint8Array {
  switch (command.kind) {
    case 'read':
      return request(NBD_CMD.READ, 0, cookie, command.offsetBytes, command.lengthBytes);
    case 'write': {
      const { bytes, offsetBytes, fua } = command;
      return request(NBD_CMD.WRITE, fua ? NBD_CMD_FLAG.FUA : 0, cookie, offsetBytes, bytes.length, bytes);
    }
    default:
      return request(NBD_CMD.FLUSH, 0, cookie, 0, 0);
  }
}

/** NBD_CMD_DISC. It has no answer, and nothing may be sent after it. */
export function encodeDisconnect(): Uint8Array {
  return request(NBD_CMD.DISC, 0, 0n, 0, 0);
}

/** For messages: `write of 512 bytes at 4096`. */
export function describeCommand(command: Command): string {
  switch (command.kind) {
    case 'read':
      return `read of ${command.lengthBytes} bytes at ${command.offsetBytes}`;
    case 'write':
      return `write of ${command.bytes.length} bytes at ${command.offsetBytes}`;
    default:
      return command.kind;
  }
}

const empty = new Uint8Array(0);

function request(
  type: number,
  flags: number,
  cookie: bigint,
  offsetBytes: number,
  lengthBytes: number,
  payload: Uint8Array = empty,
): Uint8Array {
  const bytes = new Uint8Array(NBD_SIZE.request + payload.length);
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
