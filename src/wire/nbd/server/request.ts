import { NBD_CMD, NBD_CMD_FLAG, NBD_ERROR, NBD_REQUEST_MAGIC, NBD_SIZE } from '../constants.ts';
import type { Framing } from '../../framing.ts';
import type { ServedExport } from './export.ts';
import type { Cookie } from './outcome.ts';

/** The 28 bytes before every request ("Request message"). */
export interface RequestHeader {
  flags: number;
  command: number;
  cookie: Cookie;
  /** Exact up to 2^53; beyond that it is beyond every export anyway. */
  offset: number;
  length: number;
}

/** The head of a request, once it is there; 'broken' when it is none. */
export function takeRequestHeader(input: Framing): RequestHeader | 'broken' | undefined {
  const bytes = input.take(NBD_SIZE.request);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0) !== NBD_REQUEST_MAGIC) return 'broken';
  return {
    flags: view.getUint16(4),
    command: view.getUint16(6),
    cookie: { high: view.getUint32(8), low: view.getUint32(12) },
    offset: view.getUint32(16) * 0x1_0000_0000 + view.getUint32(20),
    length: view.getUint32(24),
  };
}

/**
 * The error that a request deserves before anything of it is carried out, 0 for none ("Error values"). A payload too
 * large is EINVAL: the text keeps EOVERFLOW for commands without one. `strict`: the client asked for the block sizes,
 * so they bind it; one that did not ask may believe in the default minimum of 1 ("Size constraints").
 */
export function faultOf(header: RequestHeader, served: ServedExport, strict: boolean): number {
  const { command, flags, offset, length } = header;
  if ((flags & ~NBD_CMD_FLAG.FUA) !== 0) return NBD_ERROR.EINVAL;
  if (command === NBD_CMD.FLUSH) return offset === 0 && length === 0 ? 0 : NBD_ERROR.EINVAL;
  if (command !== NBD_CMD.READ && command !== NBD_CMD.WRITE) return NBD_ERROR.EINVAL;
  if (command === NBD_CMD.WRITE && served.readOnly) return NBD_ERROR.EPERM;
  if (length === 0 || length > served.maximumBytes) return NBD_ERROR.EINVAL;
  const unit = strict ? served.minimumBytes : 1;
  if (offset % unit !== 0 || length % unit !== 0) return NBD_ERROR.EINVAL;
  if (offset + length <= served.sizeBytes) return 0;
  return command === NBD_CMD.WRITE ? NBD_ERROR.ENOSPC : NBD_ERROR.EINVAL;
}
