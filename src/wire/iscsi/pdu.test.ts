import assert from 'node:assert/strict';
import { decodeInitiatorPdu, encodeInitiatorHeader, type InitiatorPdu } from './initiator-pdu.ts';
import { RawPdu } from './pdu.ts';
import { decodeTargetPdu } from './target-pdu-decode.ts';
import { encodeTargetHeader, type TargetPdu } from './target-pdu.ts';

const none = new Uint8Array(0);
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const numbers = { tag: 0x10111213, cmdSN: 0x14151617, expStatSN: 0x18191a1b };
const windowed = { statSN: 0x20212223, expCmdSN: 0x24252627, maxCmdSN: 0x28292a2b };

/** By hand, from the drawings of RFC 7143, sections 11.3 to 11.19: four bytes a group. */
const fromInitiator: [InitiatorPdu, string][] = [
  [
    {
      kind: 'command',
      immediate: true,
      ...numbers,
      final: true,
      read: false,
      write: true,
      attribute: 1,
      lun: 2,
      expectedBytes: 4096,
      cdb: bytes(0x8a, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0),
      data: none,
    },
    '41a10000 00000000 00020000 00000000 10111213 00001000 14151617 18191a1b 8a080000 00000000 00010000 00080000',
  ],
  [
    {
      kind: 'data-out',
      final: false,
      lun: 0x1234,
      tag: numbers.tag,
      targetTag: 0x30313233,
      expStatSN: numbers.expStatSN,
      dataSN: 3,
      offsetBytes: 0x10000,
      data: new Uint8Array(0x102030),
    },
    '05000000 00102030 52340000 00000000 10111213 30313233 00000000 18191a1b 00000000 00000003 00010000 00000000',
  ],
  [
    {
      kind: 'task-management',
      immediate: true,
      ...numbers,
      function: 5,
      lun: 255,
      referencedTag: 0xffffffff,
      refCmdSN: 0x40414243,
    },
    '42850000 00000000 00ff0000 00000000 10111213 ffffffff 14151617 18191a1b 40414243 00000000 00000000 00000000',
  ],
  [
    {
      kind: 'login',
      immediate: true,
      ...numbers,
      transit: true,
      continued: false,
      currentStage: 1,
      nextStage: 3,
      versionMax: 0,
      versionMin: 0,
      isid: bytes(0x80, 1, 2, 3, 4, 5),
      tsih: 0x0607,
      connection: 0x0809,
      data: none,
    },
    '43870000 00000000 80010203 04050607 10111213 08090000 14151617 18191a1b 00000000 00000000 00000000 00000000',
  ],
  [
    {
      kind: 'text',
      immediate: false,
      ...numbers,
      final: false,
      continued: true,
      lun: bytes(0xc1, 2, 3, 4, 5, 6, 7, 8),
      targetTag: 0x30313233,
      data: none,
    },
    '04400000 00000000 c1020304 05060708 10111213 30313233 14151617 18191a1b 00000000 00000000 00000000 00000000',
  ],
  [
    { kind: 'logout', immediate: true, ...numbers, reason: 1, connection: 0x0809 },
    '46810000 00000000 00000000 00000000 10111213 08090000 14151617 18191a1b 00000000 00000000 00000000 00000000',
  ],
  [
    { kind: 'nop-out', immediate: true, ...numbers, lun: 1, targetTag: 0xffffffff, data: none },
    '40800000 00000000 00010000 00000000 10111213 ffffffff 14151617 18191a1b 00000000 00000000 00000000 00000000',
  ],
  [
    {
      kind: 'snack',
      type: 1,
      lun: 0,
      tag: numbers.tag,
      targetTag: 0x30313233,
      expStatSN: numbers.expStatSN,
      begin: 5,
      runLength: 6,
    },
    '10810000 00000000 00000000 00000000 10111213 30313233 00000000 18191a1b 00000000 00000000 00000005 00000006',
  ],
];

const fromTarget: [TargetPdu, string][] = [
  [
    {
      kind: 'response',
      response: 0,
      status: 0x18,
      tag: numbers.tag,
      ...windowed,
      expDataSN: 9,
      residual: { kind: 'underflow', bytes: 0x1000 },
      data: none,
    },
    '21820018 00000000 00000000 00000000 10111213 00000000 20212223 24252627 28292a2b 00000009 00000000 00001000',
  ],
  [
    {
      kind: 'data-in',
      final: true,
      acknowledge: false,
      hasStatus: true,
      status: 4,
      lun: 2,
      tag: numbers.tag,
      targetTag: 0xffffffff,
      ...windowed,
      dataSN: 5,
      offsetBytes: 0x2000,
      residual: { kind: 'overflow', bytes: 7 },
      data: none,
    },
    '25850004 00000000 00020000 00000000 10111213 ffffffff 20212223 24252627 28292a2b 00000005 00002000 00000007',
  ],
  [
    {
      kind: 'r2t',
      lun: 2,
      tag: numbers.tag,
      targetTag: 0x30313233,
      ...windowed,
      r2tSN: 1,
      offsetBytes: 0x10000,
      lengthBytes: 0x40000,
    },
    '31800000 00000000 00020000 00000000 10111213 30313233 20212223 24252627 28292a2b 00000001 00010000 00040000',
  ],
  [
    { kind: 'task-management', response: 255, tag: numbers.tag, ...windowed },
    '2280ff00 00000000 00000000 00000000 10111213 00000000 20212223 24252627 28292a2b 00000000 00000000 00000000',
  ],
  [
    {
      kind: 'login',
      transit: false,
      continued: true,
      currentStage: 1,
      nextStage: 0,
      versionMax: 1,
      versionActive: 0,
      isid: bytes(0x80, 1, 2, 3, 4, 5),
      tsih: 0x0607,
      tag: numbers.tag,
      ...windowed,
      statusClass: 2,
      statusDetail: 1,
      data: none,
    },
    '23440100 00000000 80010203 04050607 10111213 00000000 20212223 24252627 28292a2b 02010000 00000000 00000000',
  ],
  [
    {
      kind: 'text',
      final: false,
      continued: true,
      lun: 0,
      tag: numbers.tag,
      targetTag: 0x30313233,
      ...windowed,
      data: none,
    },
    '24400000 00000000 00000000 00000000 10111213 30313233 20212223 24252627 28292a2b 00000000 00000000 00000000',
  ],
  [
    { kind: 'logout', response: 1, tag: numbers.tag, ...windowed, waitSeconds: 2, retainSeconds: 20 },
    '26800100 00000000 00000000 00000000 10111213 00000000 20212223 24252627 28292a2b 00000000 00020014 00000000',
  ],
  [
    { kind: 'nop-in', lun: 0, tag: 0xffffffff, targetTag: 0x30313233, ...windowed, data: none },
    '20800000 00000000 00000000 00000000 ffffffff 30313233 20212223 24252627 28292a2b 00000000 00000000 00000000',
  ],
  [
    { kind: 'async', lun: 3, event: 2, vendorCode: 9, parameters: [1, 2, 20], ...windowed, data: none },
    '32800000 00000000 00030000 00000000 ffffffff 00000000 20212223 24252627 28292a2b 02090001 00020014 00000000',
  ],
  [
    { kind: 'reject', reason: 9, dataSN: 4, ...windowed, data: none },
    '3f800900 00000000 00000000 00000000 ffffffff 00000000 20212223 24252627 28292a2b 00000004 00000000 00000000',
  ],
];

const spaced = (header: Uint8Array): string => Buffer.from(header).toString('hex').match(/.{8}/g)!.join(' ');
const raw = (hex: string, data: Uint8Array): RawPdu =>
  new RawPdu(Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex')), none, 0, data, data.length);

describe('the headers of iSCSI', () => {
  for (const [pdu, hex] of fromInitiator) {
    it(`of an initiator's ${pdu.kind} are as RFC 7143 draws them, both ways`, () => {
      assert.equal(spaced(encodeInitiatorHeader(pdu)), hex);
      assert.deepEqual(decodeInitiatorPdu(raw(hex, 'data' in pdu ? pdu.data : none)), pdu);
    });
  }
  for (const [pdu, hex] of fromTarget) {
    it(`of a target's ${pdu.kind} are as RFC 7143 draws them, both ways`, () => {
      assert.equal(spaced(encodeTargetHeader(pdu)), hex);
      assert.deepEqual(decodeTargetPdu(raw(hex, 'data' in pdu ? pdu.data : none)), pdu);
    });
  }

  it('are of one side only', () => {
    const [[, nopOut], [, response]] = [fromInitiator[6]!, fromTarget[0]!];
    assert.equal(decodeTargetPdu(raw(nopOut, none)), undefined);
    assert.equal(decodeInitiatorPdu(raw(response, none)), undefined);
  });

  it('have no room for a LUN above 16383 nor for a CDB of 17 bytes', () => {
    const [command] = fromInitiator[0] as [InitiatorPdu & { kind: 'command' }, string];
    assert.throws(() => encodeInitiatorHeader({ ...command, lun: 16384 }), /invariant: 16384/);
    assert.throws(() => encodeInitiatorHeader({ ...command, cdb: new Uint8Array(17) }), /CDB of 17 bytes/);
  });
});
