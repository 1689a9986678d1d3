import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { feed, ready, sentPdus } from './initiator.fixture.ts';
import type { Initiator } from './initiator.ts';
import type { TargetBytes } from './target-bytes.fixture.ts';

const cdb = Uint8Array.of(0x88);
const payload = (length: number, seed = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (at * 7 + seed) % 256);
const read = (initiator: Initiator, dataInBytes: number): number =>
  initiator.issue({ lun: 1, cdb, dataInBytes })!.tag;
const none = { kind: 'none', bytes: 0 } as const;
const nothing = new Uint8Array(0);

describe('a SCSI command that reads', () => {
  it('tells its LUN, its CDB and how much it reads', () => {
    const { initiator } = ready({ firstCmdSN: 0xffffffff });
    const { tag, pieces } = initiator.issue({ lun: 300, cdb: Uint8Array.of(0x88, 8, 1), dataInBytes: 4096 })!;
    const [pdu] = sentPdus(pieces);
    assert.ok(pdu?.kind === 'command');
    const { cdb, data, ...fields } = pdu;
    assert.deepEqual(fields, {
      kind: 'command',
      immediate: false,
      final: true,
      read: true,
      write: false,
      attribute: 1,
      lun: 300,
      tag,
      expectedBytes: 4096,
      cmdSN: 0xffffffff,
      expStatSN: 3,
    });
    assert.deepEqual([...cdb], [0x88, 8, 1, ...Array<number>(13).fill(0)]);
    assert.equal(data.length, 0);
  });

  it('is answered with its data, in PDUs of any length, in whatever order commands end, cut anyhow', () => {
    const commands = fc.array(
      fc.record({
        parts: fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 4 }),
        phaseCollapse: fc.boolean(),
        rank: fc.nat(),
      }),
      { minLength: 1, maxLength: 6 },
    );
    const lengths = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(commands, fc.boolean(), lengths, (all, digests, cuts) => {
        const wish = digests ? 'crc32c' : 'none';
        const answer = digests ? ['HeaderDigest=CRC32C', 'DataDigest=CRC32C'] : [];
        const { initiator, target } = ready({ headerDigest: wish, dataDigest: wish }, ...answer);
        target.digests = digests;
        const asked = all.map(({ parts, ...how }, seed) => {
          const bytes = parts.reduce((sum, part) => sum + part, 0);
          return { ...how, parts, data: payload(bytes, seed), tag: read(initiator, bytes) };
        });
        asked.sort((a, b) => a.rank - b.rank);
        const said = asked.flatMap(({ tag, parts, data, phaseCollapse }) => {
          let at = 0;
          const pdus = parts.map((part, dataSN) => {
            const last = phaseCollapse && dataSN === parts.length - 1;
            const bytes = target.dataIn(tag, dataSN, at, data.subarray(at, at + part), last);
            at += part;
            return bytes;
          });
          return phaseCollapse ? pdus : [...pdus, target.response(tag)];
        });
        assert.deepEqual(
          feed(initiator, Buffer.concat(said), cuts),
          asked.map(({ tag, data }) => ({
            kind: 'answered',
            tag,
            status: 0,
            sense: nothing,
            data,
            residual: none,
          })),
        );
        assert.deepEqual([initiator.unanswered, initiator.heldBytes, initiator.status], [0, 0, 'ready']);
      }),
      { numRuns: 100 },
    );
  });

  it('may end with less than it asked for, and tells how much', () => {
    const { initiator, target } = ready();
    const [collapsed, apart, over] = [read(initiator, 255), read(initiator, 255), read(initiator, 4)];
    const underflow = { flags: 0x83, fields: [[44, 32, 155]] } as const;
    assert.deepEqual(feed(initiator, target.dataIn(collapsed, 0, 0, payload(100), true, underflow)), [
      {
        kind: 'answered',
        tag: collapsed,
        status: 0,
        sense: nothing,
        data: payload(100),
        residual: { kind: 'underflow', bytes: 155 },
      },
    ]);
    const said = [
      target.dataIn(apart, 0, 0, payload(60), false),
      target.dataIn(apart, 1, 60, payload(40), false),
      target.response(apart, 0, nothing, { ...underflow, flags: 0x82 }),
    ];
    const [answered] = feed(initiator, Buffer.concat(said));
    assert.ok(answered?.kind === 'answered');
    assert.deepEqual([answered.data.length, answered.residual], [100, { kind: 'underflow', bytes: 155 }]);
    const more = { flags: 0x85, fields: [[44, 32, 9]] } as const;
    const [overflown] = feed(initiator, target.dataIn(over, 0, 0, payload(4), true, more));
    assert.ok(overflown?.kind === 'answered');
    assert.deepEqual([overflown.data.length, overflown.residual], [4, { kind: 'overflow', bytes: 9 }]);
  });

  it('that fails comes with status and sense, and with whatever data there was', () => {
    const { initiator, target } = ready();
    const [tag, bare] = [read(initiator, 512), read(initiator, 512)];
    const sense = Uint8Array.of(0x70, 0, 3, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 0);
    feed(initiator, target.dataIn(tag, 0, 0, payload(100), false));
    assert.deepEqual(feed(initiator, target.response(tag, 2, sense)), [
      { kind: 'answered', tag, status: 2, sense, data: payload(100), residual: none },
    ]);
    assert.deepEqual(feed(initiator, target.response(bare, 0x18)), [
      { kind: 'answered', tag: bare, status: 0x18, sense: nothing, data: nothing, residual: none },
    ]);
  });

  it('holds no more than it asked for, and nothing once nobody waits for it', () => {
    const { initiator, target } = ready();
    const tag = read(initiator, 10_000);
    feed(initiator, target.dataIn(tag, 0, 0, payload(100), false));
    assert.equal(initiator.heldBytes, 10_000);
    feed(initiator, target.dataIn(tag, 1, 100, payload(100), false));
    assert.equal(initiator.heldBytes, 10_000);
    initiator.abandon(tag);
    assert.deepEqual([initiator.heldBytes, initiator.unanswered], [0, 1]);
    const late = [target.dataIn(tag, 2, 200, payload(100), false), target.dataIn(tag, 3, 300, payload(9700))];
    assert.deepEqual(feed(initiator, Buffer.concat(late)), [], 'what comes late is swallowed');
    assert.deepEqual([initiator.heldBytes, initiator.unanswered, initiator.status], [0, 0, 'ready']);
  });

  it('puts what it reads into memory that it was given, and nowhere else', () => {
    const { initiator, target } = ready();
    const into = new Uint8Array(1000);
    const { tag } = initiator.issue({ lun: 1, cdb, dataInBytes: 1000, into })!;
    const said = [
      target.dataIn(tag, 0, 0, payload(300), false),
      target.dataIn(tag, 1, 300, payload(700, 5), true),
    ];
    const [answered] = initiator.receive(Buffer.concat(said));
    assert.ok(answered?.kind === 'answered');
    assert.equal(answered.data, into);
    assert.deepEqual(Buffer.from(into), Buffer.concat([payload(300), payload(700, 5)]));
    assert.throws(
      () => initiator.issue({ lun: 1, cdb, dataInBytes: 999, into }),
      /invariant: 1000 bytes to read 999 into/,
    );
  });

  it('goes on reading into it when another command is given up', () => {
    const { initiator, target } = ready();
    const into = new Uint8Array(1000);
    const { tag } = initiator.issue({ lun: 1, cdb, dataInBytes: 1000, into })!;
    const other = read(initiator, 4);
    const bytes = target.dataIn(tag, 0, 0, payload(1000), true);
    feed(initiator, bytes.subarray(0, 500));
    initiator.abandon(other);
    feed(initiator, bytes.subarray(500));
    assert.deepEqual(into, payload(1000));
  });

  for (const wish of ['none', 'crc32c'] as const) {
    it(`leaves that memory alone once nobody waits for it, within a PDU too, with digests ${wish}`, () => {
      const answer = wish === 'none' ? [] : ['HeaderDigest=CRC32C', 'DataDigest=CRC32C'];
      const { initiator, target } = ready({ headerDigest: wish, dataDigest: wish }, ...answer);
      target.digests = wish !== 'none';
      const into = new Uint8Array(1001);
      const { tag } = initiator.issue({ lun: 1, cdb, dataInBytes: 1001, into })!;
      const bytes = target.dataIn(tag, 0, 0, payload(1001), true);
      feed(initiator, bytes.subarray(0, 500));
      assert.ok(
        into.some((byte) => byte !== 0),
        'what has come is there',
      );
      assert.equal(initiator.heldBytes >= 1001, true);
      initiator.abandon(tag);
      into.fill(9);
      assert.deepEqual(feed(initiator, bytes.subarray(500)), []);
      assert.ok(into.every((byte) => byte === 9));
      assert.deepEqual([initiator.status, initiator.unanswered, initiator.heldBytes], ['ready', 0, 0]);
    });
  }

  /** Of a command that reads 1000 bytes, of which 100 have come. */
  const wrong: [what: string, bytes: (target: TargetBytes, tag: number) => Uint8Array, words: RegExp][] = [
    [
      'a DataSN left out',
      (t, tag) => t.dataIn(tag, 2, 100, payload(9), false),
      /a Data-In with DataSN 2, 1 is due/,
    ],
    ['a DataSN repeated', (t, tag) => t.dataIn(tag, 0, 100, payload(9), false), /DataSN 0, 1 is due/],
    [
      'a gap in the data',
      (t, tag) => t.dataIn(tag, 1, 101, payload(9), false),
      /data from 101 on, those from 100 on/,
    ],
    [
      'data twice',
      (t, tag) => t.dataIn(tag, 1, 0, payload(9), false),
      /data from 0 on, those from 100 on are due/,
    ],
    [
      'more data than asked for',
      (t, tag) => t.dataIn(tag, 1, 100, payload(901), false),
      /data up to 1001, the command reads 1000 bytes/,
    ],
    [
      'success without all its data',
      (t, tag) => t.dataIn(tag, 1, 100, payload(899)),
      /a Data-In of a success after 999 of 1000 bytes read/,
    ],
    [
      'success with a residual that does not fit',
      (t, tag) => t.response(tag, 0, nothing, { flags: 0x82, fields: [[44, 32, 899]] }),
      /a SCSI Response of a success after 100 of 1000 bytes read, with a residual of 899/,
    ],
    ['no tag of ours', (t) => t.dataIn(0x77, 0, 0, payload(9)), /tag 0x77, which nothing unanswered has/],
    ['an answer to no tag', (t) => t.response(0xffffffff), /tag 0xffffffff, which nothing unanswered has/],
    ['a missing status', (t, tag) => ((t.statSN += 1), t.response(tag)), /with StatSN 4, 3 is due/],
    ['a status twice', (t, tag) => ((t.statSN -= 1), t.response(tag, 8)), /with StatSN 2, 3 is due/],
    [
      'another StatSN in Data-In',
      (t, tag) => ((t.statSN = 9), t.dataIn(tag, 1, 100, payload(900))),
      /StatSN 9, 3 is/,
    ],
    [
      'a request for data',
      (t, tag) => t.r2t(tag, 1, 0, 0, 100),
      /an R2T for data up to 100, the command writes 0/,
    ],
    [
      'a status in the middle of a sequence',
      (t, tag) => t.dataIn(tag, 1, 100, payload(900), true, { flags: 0x01 }),
      /a status that is not the last of its sequence/,
    ],
    [
      'sense data of another length',
      (t, tag) =>
        t.pdu(
          0x21,
          0x80,
          [
            [3, 8, 2],
            [16, 32, tag],
          ],
          Uint8Array.of(0, 19, ...payload(18)),
        ),
      /a SCSI Response with sense data beyond its 20 bytes/,
    ],
    [
      'a data segment above the agreed length',
      (t, tag) => t.dataIn(tag, 1, 100, nothing, false, { dataBytes: 262145 }),
      /a data segment of 262145 bytes in a Data-In; at most 262144 are taken/,
    ],
    ['a management response', (t, tag) => t.managed(tag), /tag 0x1, which is that of a SCSI Command/],
    ['a pong', (t, tag) => t.pong(tag), /a NOP-In with tag 0x1, which is that of a SCSI Command/],
  ];
  for (const [what, bytes, words] of wrong) {
    it(`is the end of the session when it gets ${what}`, () => {
      const { initiator, target } = ready();
      const tag = read(initiator, 1000);
      feed(initiator, target.dataIn(tag, 0, 0, payload(100), false));
      const outcomes = feed(initiator, bytes(target, tag), [11]);
      assert.ok(outcomes[0]?.kind === 'broken' && outcomes.length === 1, JSON.stringify(outcomes));
      assert.match(outcomes[0].text, /^full-feature phase: /);
      assert.match(outcomes[0].text, words);
      assert.equal(initiator.status, 'dead');
    });
  }

  it('is the end of the session when a digest is wrong', () => {
    for (const [at, words] of [
      [20, /full-feature phase: a PDU with the header digest/],
      [60, /full-feature phase: a Data-In with the data digest/],
    ] as const) {
      const { initiator, target } = ready(
        { headerDigest: 'crc32c', dataDigest: 'crc32c' },
        'HeaderDigest=CRC32C',
        'DataDigest=CRC32C',
      );
      target.digests = true;
      const bytes = target.dataIn(read(initiator, 64), 0, 0, payload(64));
      bytes[at]! ^= 1;
      const [outcome] = feed(initiator, bytes);
      assert.ok(outcome?.kind === 'broken');
      assert.match(outcome.text, words);
    }
  });
});
