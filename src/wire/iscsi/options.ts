import type { ChapMemory } from './chap-memory.ts';
import { ISCSI_LIMIT } from './constants.ts';

/** One side's name and secret for CHAP (RFC 1994). */
export interface ChapAccount {
  user: string;
  secret: string;
}

export type DigestWish = 'none' | 'crc32c' | 'prefer';

export interface InitiatorOptions {
  initiatorName: string;
  initiatorAlias?: string;
  /** '' for a discovery session. */
  targetName: string;
  /** Six bytes that tell this session from others of the same initiator (RFC 7143, section 11.12.5). */
  isid: Uint8Array;
  headerDigest: DigestWish;
  dataDigest: DigestWish;
  /** With `target` the target has to prove itself too, with a secret of its own. `memory`: of all sessions of a process. */
  chap?: ChapAccount & { target?: ChapAccount; memory?: ChapMemory };
  /** This file is pure: chance and MD5 come from outside. Both are used for CHAP alone. */
  randomBytes: (lengthBytes: number) => Uint8Array;
  md5: (bytes: Uint8Array) => Uint8Array;
  /** What to ask for instead of the usual; the target may grant less. */
  wishes?: Partial<SessionWishes>;
  /** The CmdSN to begin with, 1 unless it is given. */
  firstCmdSN?: number;
}

/** What an initiator asks for in its login, in bytes (section 13). */
export interface SessionWishes {
  maxReceiveSegmentBytes: number;
  maxBurstBytes: number;
  firstBurstBytes: number;
  initialR2T: boolean;
  immediateData: boolean;
  maxOutstandingR2T: number;
}

/** Throws RangeError for what cannot be, in words that name no secret. */
export function checkOptions({
  initiatorName,
  initiatorAlias = '',
  targetName,
  isid,
  chap,
}: InitiatorOptions): void {
  if (isid.length !== 6) throw new RangeError(`an ISID of ${isid.length} bytes, it has 6`);
  if (initiatorName === '') throw new RangeError('an initiator without a name');
  checkText('the name of the initiator', initiatorName, ISCSI_LIMIT.nameBytes);
  checkText('the name of the target', targetName, ISCSI_LIMIT.nameBytes);
  checkText('the alias of the initiator', initiatorAlias, ISCSI_LIMIT.valueBytes);
  if (chap === undefined) return;
  checkText('the CHAP user', chap.user, ISCSI_LIMIT.valueBytes);
  // Section 9.2.1: or else the target could have its answer from the initiator itself.
  if (chap.target?.secret === chap.secret)
    throw new RangeError('the CHAP secrets of initiator and target are the same, they have to differ');
}

function checkText(what: string, text: string, mostBytes: number): void {
  if (text.includes('\0')) throw new RangeError(`${what} has a zero byte in it`);
  const bytes = Buffer.byteLength(text);
  if (bytes > mostBytes) throw new RangeError(`${what} has ${bytes} bytes, ${mostBytes} are the most`);
}
