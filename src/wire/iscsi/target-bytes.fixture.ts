import { crc32c } from '../../bytes/crc32c.ts';

/** A field of a header: where it is, how wide, what it says. */
export type Field = readonly [at: number, bits: 8 | 16 | 32, value: number];

/** What may be said otherwise than a target would: flags of byte 1, and fields, which are put in last. */
export interface Twist {
  flags?: number;
  fields?: readonly Field[];
  /** Of the data segment, when it is not to be that of the data. */
  dataBytes?: number;
}

const none: Uint8Array = new Uint8Array(0);
const noTag = 0xffff_ffff;

export interface LoginAnswer extends Twist {
  /** Current stage and next stage; with `transit` it goes on to the latter. */
  stage: 0 | 1;
  transit?: boolean;
  continued?: boolean;
  tsih?: number;
  status?: number;
}

/**
 * What a target says on one connection, written down independently of the code under test: every field by its place in the
 * drawings of RFC 7143, section 11. It counts its StatSN, and every PDU can be twisted.
 */
export class TargetBytes {
  statSN = 1;
  expCmdSN = 1;
  maxCmdSN = 64;
  digests = false;

  login(
    { stage, transit = false, continued = false, tsih = 0, status = 0, ...twist }: LoginAnswer,
    ...keys: string[]
  ) {
    const next = stage === 0 ? 1 : 3;
    const flags = (transit ? 0x80 | next : 0) | (continued ? 0x40 : 0) | (stage << 2);
    const data = Buffer.from(keys.map((key) => `${key}\0`).join(''), 'utf8');
    const fields: Field[] = [
      [14, 16, tsih],
      [16, 32, 0],
      [36, 16, status],
    ];
    return this.pdu(0x23, flags, fields, data, twist);
  }

  /** The whole login of a target that takes whatever it is offered, told in one piece. */
  welcome(...keys: string[]): Uint8Array {
    return Buffer.concat([
      this.login({ stage: 0, transit: true }, 'TargetPortalGroupTag=1', 'AuthMethod=None'),
      this.login({ stage: 1, transit: true, tsih: 1 }, ...keys),
    ]);
  }

  response(tag: number, status = 0, sense = none, twist: Twist = {}): Uint8Array {
    const data =
      sense.length === 0 ? none : Buffer.concat([Uint8Array.of(sense.length >> 8, sense.length), sense]);
    return this.pdu(
      0x21,
      0x80,
      [
        [3, 8, status],
        [16, 32, tag],
      ],
      data,
      twist,
    );
  }

  /** `last`: with the status GOOD. Without, it has no StatSN either. */
  dataIn(tag: number, dataSN: number, offset: number, data: Uint8Array, last = true, twist: Twist = {}) {
    const fields: Field[] = [
      [16, 32, tag],
      [20, 32, noTag],
      [36, 32, dataSN],
      [40, 32, offset],
    ];
    return last
      ? this.pdu(0x25, 0x81, fields, data, twist)
      : this.#unnumbered(0x25, 0, [...fields, [24, 32, 0]], data, twist);
  }

  r2t(tag: number, targetTag: number, r2tSN: number, offset: number, length: number, twist: Twist = {}) {
    const fields: Field[] = [
      [8, 16, 1],
      [16, 32, tag],
      [20, 32, targetTag],
      [36, 32, r2tSN],
      [40, 32, offset],
      [44, 32, length],
    ];
    return this.#unnumbered(0x31, 0x80, fields, none, twist);
  }

  managed(tag: number, response = 0, twist: Twist = {}): Uint8Array {
    return this.pdu(
      0x22,
      0x80,
      [
        [2, 8, response],
        [16, 32, tag],
      ],
      none,
      twist,
    );
  }

  pong(tag: number, twist: Twist = {}): Uint8Array {
    return this.pdu(
      0x20,
      0x80,
      [
        [16, 32, tag],
        [20, 32, noTag],
      ],
      none,
      twist,
    );
  }

  ping(targetTag: number, twist: Twist = {}): Uint8Array {
    return this.#unnumbered(
      0x20,
      0x80,
      [
        [16, 32, noTag],
        [20, 32, targetTag],
      ],
      none,
      twist,
    );
  }

  text(tag: number, keys: readonly string[], targetTag = noTag, twist: Twist = {}): Uint8Array {
    const data = Buffer.from(keys.map((key) => `${key}\0`).join(''), 'utf8');
    return this.pdu(
      0x24,
      targetTag === noTag ? 0x80 : 0,
      [
        [16, 32, tag],
        [20, 32, targetTag],
      ],
      data,
      twist,
    );
  }

  logout(tag: number, response = 0, twist: Twist = {}): Uint8Array {
    return this.pdu(
      0x26,
      0x80,
      [
        [2, 8, response],
        [16, 32, tag],
      ],
      none,
      twist,
    );
  }

  async(
    event: number,
    parameters: readonly [number, number, number],
    data: Uint8Array = none,
    twist: Twist = {},
  ) {
    const fields: Field[] = [
      [16, 32, noTag],
      [36, 8, event],
      ...parameters.map((value, index): Field => [38 + 2 * index, 16, value]),
    ];
    return this.pdu(0x32, 0x80, fields, data, twist);
  }

  reject(reason: number, rejected: Uint8Array, twist: Twist = {}): Uint8Array {
    return this.pdu(
      0x3f,
      0x80,
      [
        [2, 8, reason],
        [16, 32, noTag],
      ],
      rejected.subarray(0, 48),
      twist,
    );
  }

  /** Any PDU that uses up a StatSN. */
  pdu(
    opcode: number,
    flags: number,
    fields: readonly Field[],
    data: Uint8Array = none,
    twist: Twist = {},
  ): Uint8Array {
    const bytes = this.#unnumbered(opcode, flags, fields, data, twist);
    this.statSN = (this.statSN + 1) >>> 0;
    return bytes;
  }

  #unnumbered(opcode: number, flags: number, fields: readonly Field[], data: Uint8Array, twist: Twist) {
    const header = Buffer.alloc(48);
    header[0] = opcode;
    header[1] = twist.flags ?? flags;
    header.writeUIntBE(twist.dataBytes ?? data.length, 5, 3);
    const numbers: Field[] = [
      [24, 32, this.statSN],
      [28, 32, this.expCmdSN],
      [32, 32, this.maxCmdSN],
    ];
    for (const [at, bits, value] of [...numbers, ...fields, ...(twist.fields ?? [])])
      header.writeUIntBE(value, at, bits / 8);
    const segment = Buffer.concat([data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
    const parts = [
      header,
      ...this.#digest(header),
      segment,
      ...(data.length > 0 ? this.#digest(segment) : []),
    ];
    return Buffer.concat(parts);
  }

  #digest(of: Uint8Array): Uint8Array[] {
    if (!this.digests) return [];
    const digest = Buffer.alloc(4);
    digest.writeUInt32LE(crc32c(of));
    return [digest];
  }
}
