import * as fc from 'fast-check';
import type { InitiatorPdu } from './initiator-pdu.ts';
import type { Lun } from './header-fields.ts';
import type { Residual, TargetPdu } from './target-pdu.ts';

/** Every PDU there is, with every field at its edges now and then. */
const u8 = fc.nat({ max: 0xff });
const u16 = fc.nat({ max: 0xffff });
const u32 = fc.oneof(fc.nat({ max: 0xffff_ffff }), fc.constantFrom(0, 0xffff_ffff, 0x8000_0000));
const flag = fc.boolean();
const stage = fc.nat({ max: 3 });
const data = fc.uint8Array({ maxLength: 40 });
const isid = fc.uint8Array({ minLength: 6, maxLength: 6 });
const lun: fc.Arbitrary<Lun> = fc.oneof(
  fc.nat({ max: 0x3fff }),
  // Extended addressing, so that it has no number.
  fc.uint8Array({ minLength: 7, maxLength: 7 }).map((rest) => Uint8Array.of(0xc0, ...rest)),
);

const numbered = { immediate: flag, tag: u32, cmdSN: u32, expStatSN: u32 };

export const anyInitiatorPdu: fc.Arbitrary<InitiatorPdu> = fc.oneof(
  fc.record({
    kind: fc.constant('command' as const),
    ...numbered,
    final: flag,
    read: flag,
    write: flag,
    attribute: fc.nat({ max: 7 }),
    lun,
    expectedBytes: u32,
    cdb: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    data,
  }),
  fc.record({
    kind: fc.constant('data-out' as const),
    final: flag,
    lun,
    tag: u32,
    targetTag: u32,
    expStatSN: u32,
    dataSN: u32,
    offsetBytes: u32,
    data,
  }),
  fc.record({
    kind: fc.constant('task-management' as const),
    ...numbered,
    function: fc.nat({ max: 0x7f }),
    lun,
    referencedTag: u32,
    refCmdSN: u32,
  }),
  fc.record({
    kind: fc.constant('login' as const),
    ...numbered,
    transit: flag,
    continued: flag,
    currentStage: stage,
    nextStage: stage,
    versionMax: u8,
    versionMin: u8,
    isid,
    tsih: u16,
    connection: u16,
    data,
  }),
  fc.record({
    kind: fc.constant('text' as const),
    ...numbered,
    final: flag,
    continued: flag,
    lun,
    targetTag: u32,
    data,
  }),
  fc.record({
    kind: fc.constant('logout' as const),
    ...numbered,
    reason: fc.nat({ max: 0x7f }),
    connection: u16,
  }),
  fc.record({ kind: fc.constant('nop-out' as const), ...numbered, lun, targetTag: u32, data }),
  fc.record({
    kind: fc.constant('snack' as const),
    type: fc.nat({ max: 15 }),
    lun,
    tag: u32,
    targetTag: u32,
    expStatSN: u32,
    begin: u32,
    runLength: u32,
  }),
);

const windowed = { statSN: u32, expCmdSN: u32, maxCmdSN: u32 };
const noResidual: Residual = { kind: 'none', bytes: 0 };
const residual: fc.Arbitrary<Residual> = fc.oneof(
  fc.constant(noResidual),
  fc
    .tuple(fc.constantFrom('underflow' as const, 'overflow' as const), u32)
    .map(([kind, bytes]) => ({ kind, bytes })),
);

export const anyTargetPdu: fc.Arbitrary<TargetPdu> = fc.oneof(
  fc.record({
    kind: fc.constant('response' as const),
    ...windowed,
    response: u8,
    status: u8,
    tag: u32,
    expDataSN: u32,
    residual,
    data,
  }),
  fc
    .record({
      kind: fc.constant('data-in' as const),
      ...windowed,
      final: flag,
      acknowledge: flag,
      hasStatus: flag,
      status: u8,
      lun,
      tag: u32,
      targetTag: u32,
      dataSN: u32,
      offsetBytes: u32,
      residual,
      data,
    })
    .map((pdu) => (pdu.hasStatus ? pdu : { ...pdu, status: 0, residual: noResidual })),
  fc.record({
    kind: fc.constant('r2t' as const),
    ...windowed,
    lun,
    tag: u32,
    targetTag: u32,
    r2tSN: u32,
    offsetBytes: u32,
    lengthBytes: u32,
  }),
  fc.record({ kind: fc.constant('task-management' as const), ...windowed, response: u8, tag: u32 }),
  fc.record({
    kind: fc.constant('login' as const),
    ...windowed,
    transit: flag,
    continued: flag,
    currentStage: stage,
    nextStage: stage,
    versionMax: u8,
    versionActive: u8,
    isid,
    tsih: u16,
    tag: u32,
    statusClass: u8,
    statusDetail: u8,
    data,
  }),
  fc.record({
    kind: fc.constant('text' as const),
    ...windowed,
    final: flag,
    continued: flag,
    lun,
    tag: u32,
    targetTag: u32,
    data,
  }),
  fc.record({
    kind: fc.constant('logout' as const),
    ...windowed,
    response: u8,
    tag: u32,
    waitSeconds: u16,
    retainSeconds: u16,
  }),
  fc.record({ kind: fc.constant('nop-in' as const), ...windowed, lun, tag: u32, targetTag: u32, data }),
  fc.record({
    kind: fc.constant('async' as const),
    ...windowed,
    lun,
    event: u8,
    vendorCode: u8,
    parameters: fc.tuple(u16, u16, u16),
    data,
  }),
  fc.record({ kind: fc.constant('reject' as const), ...windowed, reason: u8, dataSN: u32, data }),
);
