import * as fc from 'fast-check';
import { spoiled } from '../nbd/fuzz.fixture.ts';
import type { Initiator } from './initiator.ts';
import { type Field, TargetBytes } from './target-bytes.fixture.ts';

/** What the initiator tells the target it takes, so that what it may hold is little. */
export const segmentBytes = 4096;
export const reads = new Map([
  [1, 512],
  [2, 3000],
]);
export const writes = new Map([
  [3, 1000],
  [4, 20_000],
]);
/** How many tags there are: after reads and writes a command without data, a ping, a question and a reset of the unit. */
export const asked = 8;

const cdb = new Uint8Array(16);

/** All that is asked as soon as the target has let the initiator in; the tags are 1 to `asked`. */
export function ask(initiator: Initiator): readonly Uint8Array[] {
  const issued = [
    ...[...reads.values()].map((dataInBytes) =>
      initiator.issue({ lun: 1, cdb, dataInBytes, immediate: true }),
    ),
    ...[...writes.values()].map((bytes) =>
      initiator.issue({ lun: 1, cdb, dataOut: new Uint8Array(bytes), immediate: true }),
    ),
    initiator.issue({ lun: 2, cdb, immediate: true }),
    initiator.ping(),
    initiator.ask([['SendTargets', 'All']]),
    initiator.manageTask('logical-unit-reset', { lun: 1 }),
  ];
  return issued.flatMap((each) => each?.pieces ?? []);
}

/** One thing said, by a target that counts its StatSN along. */
type Say = (target: TargetBytes) => Uint8Array;

const data = (length: number): Uint8Array => new Uint8Array(length).fill(0x5a);
const tag = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: asked }) },
  fc.constantFrom(0, 99, 0xffffffff),
);
const small = fc.nat({ max: 3 });
const offset = fc.oneof(fc.nat({ max: 3100 }), fc.constantFrom(0, 512, 3000, 4096, 0xffffffff));
const length = fc.oneof(fc.nat({ max: 600 }), fc.constantFrom(0, 1, 512, 3000, 4096));
const status = fc.constantFrom(0, 0, 0, 2, 8, 0x18);

const key = fc.oneof(
  fc.constantFrom(
    'AuthMethod=None',
    'AuthMethod=CHAP',
    'CHAP_A=5',
    'CHAP_I=1',
    'CHAP_C=0x0123',
    'HeaderDigest=CRC32C',
    'DataDigest=None',
    'InitialR2T=No',
    'ImmediateData=No',
    'MaxRecvDataSegmentLength=512',
    'MaxBurstLength=4096',
    'FirstBurstLength=512',
    'TargetAlias=a',
    'TargetPortalGroupTag=1',
    'TargetAddress=a:1,1',
    'MaxBurstLength=\u2028',
    'X-a=b',
    '=',
    'nothing',
  ),
  fc
    .tuple(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }))
    .map(([name, value]) => `${name}=${value}`),
);
const keys = fc.array(key, { maxLength: 5 });

/** Right by itself; how it goes together with the rest is left to chance. */
const anything: fc.Arbitrary<Say> = fc.oneof(
  fc
    .record({
      stage: fc.constantFrom(0 as const, 1 as const),
      transit: fc.boolean(),
      continued: fc.boolean(),
      tsih: small,
      status: fc.constantFrom(0, 0, 0, 0x0101, 0x0201, 0x0300),
      keys,
    })
    .map(
      ({ keys, ...answer }): Say =>
        (target) =>
          target.login(answer, ...keys),
    ),
  fc.tuple(tag, status, fc.uint8Array({ maxLength: 20 })).map(
    ([to, value, sense]): Say =>
      (target) =>
        target.response(to, value, sense),
  ),
  fc.tuple(tag, small, offset, length, fc.boolean()).map(
    ([to, dataSN, at, bytes, last]): Say =>
      (target) =>
        target.dataIn(to, dataSN, at, data(bytes), last),
  ),
  fc.tuple(tag, small, offset, length).map(
    ([to, r2tSN, at, bytes]): Say =>
      (target) =>
        target.r2t(to, 7, r2tSN, at, bytes),
  ),
  fc.tuple(tag, small).map(
    ([to, response]): Say =>
      (target) =>
        target.managed(to, response),
  ),
  tag.map(
    (to): Say =>
      (target) =>
        target.pong(to),
  ),
  fc.constantFrom(1, 0xffffffff).map(
    (of): Say =>
      (target) =>
        target.ping(of),
  ),
  fc.tuple(tag, keys, fc.constantFrom(1, 0xffffffff), fc.constantFrom(0, 0x40, 0x80, 0xc0)).map(
    ([to, text, of, flags]): Say =>
      (target) =>
        target.text(to, text, of, { flags }),
  ),
  fc.tuple(tag, small).map(
    ([to, response]): Say =>
      (target) =>
        target.logout(to, response),
  ),
  fc.tuple(fc.constantFrom(0, 1, 2, 3, 4, 4, 5, 255), fc.uint8Array({ maxLength: 6 })).map(
    ([event, bytes]): Say =>
      (target) =>
        target.async(event, [1, 2, 3], bytes),
  ),
  fc.tuple(small, tag, fc.constantFrom(0, 1, 2, 5)).map(([reason, to, opcode]): Say => (target) => {
    const rejected = Buffer.alloc(48);
    rejected[0] = opcode;
    rejected.writeUInt32BE(to, 16);
    return target.reject(reason, rejected);
  }),
  fc
    .tuple(
      fc.nat({ max: 63 }),
      fc.nat({ max: 255 }),
      fc.array(fc.tuple(fc.nat({ max: 47 }), fc.nat({ max: 255 })), { maxLength: 4 }),
    )
    .map(
      ([opcode, flags, bytes]): Say =>
        (target) =>
          target.pdu(
            opcode,
            flags,
            bytes.map(([at, value]): Field => [at, 8, value]),
          ),
    ),
);

/** All that is to be said about one of the commands when nothing is wrong. */
function rightAnswers(cut: number): Say[][] {
  return [
    [(target) => target.dataIn(1, 0, 0, data(512))],
    [
      (target) => target.dataIn(2, 0, 0, data(cut), false),
      (target) => target.dataIn(2, 1, cut, data(3000 - cut), false),
      (target) => target.response(2),
    ],
    [(target) => target.response(3)],
    [
      (target) => target.r2t(4, 1, 0, 4096, 8192),
      (target) => target.r2t(4, 2, 1, 12288, 7712),
      (target) => target.response(4),
    ],
    [(target) => target.response(5, 2, data(18))],
    [(target) => target.pong(6)],
    [(target) => target.text(7, ['TargetName=a'], 1), (target) => target.text(7, ['TargetAddress=b'])],
  ];
}

/** A login that lets in, with or without digests, and commands answered among each other; the reset comes last. */
export const rightConversation: fc.Arbitrary<Uint8Array> = fc
  .record({
    digests: fc.boolean(),
    cut: fc.integer({ min: 1, max: 2999 }),
    order: fc.array(fc.nat({ max: 6 }), { maxLength: 40 }),
  })
  .map(({ digests, cut, order }) => {
    const target = new TargetBytes();
    const digest = digests ? 'CRC32C' : 'None';
    const agreed = [
      `HeaderDigest=${digest}`,
      `DataDigest=${digest}`,
      'InitialR2T=No',
      'FirstBurstLength=4096',
    ];
    const said = [target.welcome(...agreed)];
    target.digests = digests;
    const answers = rightAnswers(cut);
    for (const which of [...order, ...answers.flatMap((all, index) => all.map(() => index))]) {
      const next = answers[which]!.shift();
      if (next !== undefined) said.push(next(target), target.ping(0xffffffff));
    }
    return Buffer.concat([...said, target.managed(8)]);
  });

const anyMessages = fc
  .tuple(fc.constantFrom(0, 1, 2), fc.array(anything, { maxLength: 14 }))
  .map(([opening, all]) => {
    const target = new TargetBytes();
    const begin =
      opening === 0
        ? Buffer.alloc(0)
        : opening === 1
          ? target.login({ stage: 0, transit: true }, 'AuthMethod=None')
          : target.welcome('InitialR2T=No', 'FirstBurstLength=4096');
    return Buffer.concat([begin, ...all.map((say) => say(target))]);
  });

const noise = fc
  .tuple(fc.boolean(), fc.uint8Array({ maxLength: 300 }))
  .map(([isIn, bytes]) => Buffer.concat([isIn ? new TargetBytes().welcome() : Buffer.alloc(0), bytes]));

/** What a target may say to an initiator that asks all this: all the ways to be wrong, and now and then to be right. */
export const anyConversation: fc.Arbitrary<Uint8Array> = fc.oneof(
  rightConversation,
  { weight: 4, arbitrary: spoiled(rightConversation) },
  { weight: 3, arbitrary: anyMessages },
  spoiled(anyMessages),
  noise,
);
