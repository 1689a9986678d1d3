/**
 * The numbers of the Network Block Device protocol, under the names its text gives them (NetworkBlockDevice/nbd,
 * doc/proto.md, "Values"): NBD_OPT_GO there is `NBD_OPT.GO` here. Everything on the wire is big-endian.
 */

/** 'NBDMAGIC', the first eight bytes of every greeting. */
export const NBD_MAGIC = 0x4e42444d41474943n;
/** 'IHAVEOPT': the newstyle greeting, and the head of every option. */
export const NBD_OPTS_MAGIC = 0x49484156454f5054n;
/** What an oldstyle server sends in the place of `NBD_OPTS_MAGIC`. */
export const NBD_CLISERV_MAGIC = 0x00420281861253n;
export const NBD_REP_MAGIC = 0x0003e889045565a9n;
export const NBD_REQUEST_MAGIC = 0x25609513;
export const NBD_SIMPLE_REPLY_MAGIC = 0x67446698;
export const NBD_STRUCTURED_REPLY_MAGIC = 0x668e33ef;

/** IANA's port for NBD. */
export const NBD_DEFAULT_PORT = 10809;

/** Handshake flags, 16 bits, sent by the server (NBD_FLAG_*). */
export const NBD_FLAG = { FIXED_NEWSTYLE: 1 << 0, NO_ZEROES: 1 << 1 } as const;

/** Client flags, 32 bits (NBD_FLAG_C_*). */
export const NBD_FLAG_C = { FIXED_NEWSTYLE: 1 << 0, NO_ZEROES: 1 << 1 } as const;

/** Transmission flags, 16 bits, about one export (NBD_FLAG_* too in the text). */
export const NBD_TRANSMISSION = {
  HAS_FLAGS: 1 << 0,
  READ_ONLY: 1 << 1,
  SEND_FLUSH: 1 << 2,
  SEND_FUA: 1 << 3,
  ROTATIONAL: 1 << 4,
  SEND_TRIM: 1 << 5,
  SEND_WRITE_ZEROES: 1 << 6,
  SEND_DF: 1 << 7,
  CAN_MULTI_CONN: 1 << 8,
  SEND_RESIZE: 1 << 9,
  SEND_CACHE: 1 << 10,
  SEND_FAST_ZERO: 1 << 11,
} as const;

export const NBD_OPT = {
  EXPORT_NAME: 1,
  ABORT: 2,
  LIST: 3,
  PEEK_EXPORT: 4,
  STARTTLS: 5,
  INFO: 6,
  GO: 7,
  STRUCTURED_REPLY: 8,
  LIST_META_CONTEXT: 9,
  SET_META_CONTEXT: 10,
  EXTENDED_HEADERS: 11,
} as const;

export const NBD_REP = {
  ACK: 1,
  SERVER: 2,
  INFO: 3,
  META_CONTEXT: 4,
} as const;

/** Set in every option reply that is an error. */
export const NBD_REP_ERROR_BIT = 0x8000_0000;

export const NBD_REP_ERR = {
  UNSUP: NBD_REP_ERROR_BIT + 1,
  POLICY: NBD_REP_ERROR_BIT + 2,
  INVALID: NBD_REP_ERROR_BIT + 3,
  PLATFORM: NBD_REP_ERROR_BIT + 4,
  TLS_REQD: NBD_REP_ERROR_BIT + 5,
  UNKNOWN: NBD_REP_ERROR_BIT + 6,
  SHUTDOWN: NBD_REP_ERROR_BIT + 7,
  BLOCK_SIZE_REQD: NBD_REP_ERROR_BIT + 8,
  TOO_BIG: NBD_REP_ERROR_BIT + 9,
  EXT_HEADER_REQD: NBD_REP_ERROR_BIT + 10,
} as const;

export const NBD_INFO = { EXPORT: 0, NAME: 1, DESCRIPTION: 2, BLOCK_SIZE: 3 } as const;

export const NBD_CMD = {
  READ: 0,
  WRITE: 1,
  DISC: 2,
  FLUSH: 3,
  TRIM: 4,
  CACHE: 5,
  WRITE_ZEROES: 6,
  BLOCK_STATUS: 7,
  RESIZE: 8,
} as const;

export const NBD_CMD_FLAG = {
  FUA: 1 << 0,
  NO_HOLE: 1 << 1,
  DF: 1 << 2,
  REQ_ONE: 1 << 3,
  FAST_ZERO: 1 << 4,
  PAYLOAD_LEN: 1 << 5,
} as const;

/** Flags of a structured reply chunk (NBD_REPLY_FLAG_*). */
export const NBD_REPLY_FLAG = { DONE: 1 << 0 } as const;

/** Types of a structured reply chunk (NBD_REPLY_TYPE_*). */
export const NBD_REPLY_TYPE = {
  NONE: 0,
  OFFSET_DATA: 1,
  OFFSET_HOLE: 2,
  BLOCK_STATUS: 5,
  ERROR: (1 << 15) + 1,
  ERROR_OFFSET: (1 << 15) + 2,
} as const;

/** Set in the type of every chunk that is an error. */
export const NBD_REPLY_ERROR_BIT = 1 << 15;

/** The error values a reply may carry ("Error values"). They are the protocol's own, whatever errno says here. */
export const NBD_ERROR = {
  EPERM: 1,
  EIO: 5,
  ENOMEM: 12,
  EINVAL: 22,
  ENOSPC: 28,
  EOVERFLOW: 75,
  ENOTSUP: 95,
  ESHUTDOWN: 108,
} as const;

export type NbdErrorName = keyof typeof NBD_ERROR;

/** Bounds of what either side sends or accepts. */
export const NBD_LIMIT = {
  /** "Conventions": the longest string, so the longest export name and the longest error text. */
  stringBytes: 4096,
  /** Option data a server reads: a name of full length and some information requests. */
  optionBytes: 8192,
  /** Option reply data a client reads: a string of full length and the fields before it. */
  optionReplyBytes: 8192,
  /** Option replies a client reads for one option before it gives the server up. */
  optionReplies: 64,
  /** Data of an error chunk that a client reads: a string of full length and the fields around it. */
  errorChunkBytes: 8192,
  /** Error chunks a client reads for one request before it gives the server up. */
  errorChunks: 1024,
  /** Of a request without payload: its length has 32 bits. */
  effectBytes: 0xffff_ffff,
  /** "Size constraints": the payload anybody may expect the other side to take. */
  payloadBytes: 32 * 1024 * 1024,
  /** "Size constraints": the largest minimum block size there may be. */
  minimumBlockBytes: 65536,
} as const;

/** Bytes of the fixed-length messages, without payload. */
export const NBD_SIZE = {
  /** Magic, option magic, handshake flags. */
  greeting: 18,
  clientFlags: 4,
  /** Option magic, option, length of its data. */
  optionHeader: 16,
  /** Reply magic, option, reply type, length of its data. */
  optionReplyHeader: 20,
  /** What NBD_OPT_EXPORT_NAME is answered with: size and flags, then zeroes unless both sides do without. */
  exportReply: 10,
  exportReplyZeroes: 124,
  request: 28,
  simpleReply: 16,
  /** Of every reply, simple or structured: what tells which kind it is, and to what it is one. */
  replyHead: 16,
  /** Of a structured reply chunk, after its head: the length of its data. */
  chunkLength: 4,
} as const;

const errorNames = new Map<number, NbdErrorName>(
  Object.entries(NBD_ERROR).map(([name, value]) => [value, name as NbdErrorName]),
);

/** Name of an error value in a reply. One outside the list counts as EINVAL ("Error values": the client SHOULD). */
export function nbdErrorName(value: number): NbdErrorName {
  return errorNames.get(value) ?? 'EINVAL';
}

/**
 * Error value for a symbolic errno of this machine ("Error values": EDQUOT and EFBIG are ENOSPC; a read-only export is
 * EPERM). What the protocol has no number for is EIO: the request did not succeed and nothing more is known.
 */
export function nbdErrorValue(errno: string): number {
  switch (errno) {
    case 'EDQUOT':
    case 'EFBIG':
      return NBD_ERROR.ENOSPC;
    case 'EROFS':
    case 'EACCES':
      return NBD_ERROR.EPERM;
    case 'EOPNOTSUPP':
      return NBD_ERROR.ENOTSUP;
    default:
      return Object.hasOwn(NBD_ERROR, errno) ? NBD_ERROR[errno as NbdErrorName] : NBD_ERROR.EIO;
  }
}

const refusalNames = new Map<number, string>(
  Object.entries(NBD_REP_ERR).map(([name, value]) => [value, `NBD_REP_ERR_${name}`]),
);

/** Name of an option reply that is an error, for messages. */
export function nbdRefusalName(type: number): string {
  return refusalNames.get(type) ?? `NBD_REP_ERR ${type - NBD_REP_ERROR_BIT}`;
}

const optionNames = new Map<number, string>(
  Object.entries(NBD_OPT).map(([name, value]) => [value, `NBD_OPT_${name}`]),
);

/** Name of an option, for messages. */
export function nbdOptionName(option: number): string {
  return optionNames.get(option) ?? `NBD_OPT ${option}`;
}
