/** One side's name and secret for CHAP (RFC 1994). */
interface ChapAccount {
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
  /** With `target` the target has to prove itself too, with a secret of its own. */
  chap?: ChapAccount & { target?: ChapAccount };
  /** This file is pure: chance and MD5 come from outside. Both are used for CHAP alone. */
  randomBytes: (lengthBytes: number) => Uint8Array;
  md5: (bytes: Uint8Array) => Uint8Array;
  /** What to ask for instead of the usual; the target may grant less. */
  wishes?: Partial<SessionWishes>;
}

/** What an initiator asks for in its login, in bytes (section 13). */
interface SessionWishes {
  maxReceiveSegmentBytes: number;
  maxBurstBytes: number;
  firstBurstBytes: number;
  initialR2T: boolean;
  immediateData: boolean;
  maxOutstandingR2T: number;
}
