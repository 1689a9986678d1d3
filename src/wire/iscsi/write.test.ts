import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { feed, ready, sends, sentPdus } from './initiator.fixture.ts';
import type { InitiatorPdu } from './initiator-pdu.ts';
import type { TargetBytes } from './target-bytes.fixture.ts';

const cdb = Uint8Array.of(0x8a);
const payload = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => (at * 7) % 256);
const nothing = new Uint8Array(0);

/** What a target of these parameters and an initiator of these wishes send for a write, until it is answered. */
function write(bytes: number, keys: Record<string, number | string>, burst = 0x40000) {
  const { initiator, target } = ready({}, ...Object.entries(keys).map(([key, value]) => `${key}=${value}`));
  const dataOut = payload(bytes);
  const { tag, pieces } = initiator.issue({ lun: 1, cdb, dataOut })!;
  const bursts = [sentPdus(pieces)];
  let sent = unasked(bursts[0]!);
  for (let r2tSN = 0; sent < bytes; r2tSN += 1) {
    const length = Math.min(burst, bytes - sent);
    bursts.push(sends(feed(initiator, target.r2t(tag, 0x1000 + r2tSN, r2tSN, sent, length))));
    sent += length;
  }
  const end = feed(initiator, target.response(tag));
  assert.equal(end[0]?.kind, 'answered', JSON.stringify(end));
  assert.deepEqual([initiator.unanswered, initiator.status], [0, 'ready']);
  return { tag, dataOut, bursts };
}

function unasked(pdus: readonly InitiatorPdu[]): number {
  return pdus.reduce((sum, pdu) => sum + ('data' in pdu ? pdu.data.length : 0), 0);
}

/** Lengths of the data of these PDUs. */
const shape = (pdus: readonly InitiatorPdu[] | undefined): number[] =>
  pdus!.map((pdu) => ('data' in pdu ? pdu.data.length : -1));

describe('a SCSI command that writes', () => {
  const plans: [what: string, keys: Record<string, number | string>, bytes: number, shapes: number[][]][] = [
    ['with all of it immediate', { InitialR2T: 'No', MaxRecvDataSegmentLength: 8192 }, 4096, [[4096]]],
    [
      'with the first burst, where that is let in',
      { InitialR2T: 'No', FirstBurstLength: 20000, MaxRecvDataSegmentLength: 8192 },
      30000,
      [
        [8192, 8192, 3616],
        [8192, 1808],
      ],
    ],
    [
      'with immediate data only, where the rest is to be asked for',
      { InitialR2T: 'Yes', MaxRecvDataSegmentLength: 8192 },
      20000,
      [[8192], [8192, 3616]],
    ],
    [
      'with immediate data no longer than the first burst',
      { InitialR2T: 'Yes', FirstBurstLength: 512, MaxRecvDataSegmentLength: 8192 },
      4096,
      [[512], [3584]],
    ],
    [
      'with the first burst behind the command, where there is no immediate data',
      { InitialR2T: 'No', ImmediateData: 'No', FirstBurstLength: 1000, MaxRecvDataSegmentLength: 8192 },
      4096,
      [[0, 1000], [3096]],
    ],
    [
      'with nothing that was not asked for',
      { InitialR2T: 'Yes', ImmediateData: 'No', MaxRecvDataSegmentLength: 65536 },
      4096,
      [[0], [4096]],
    ],
    ['with no data at all', { InitialR2T: 'No' }, 0, [[0]]],
  ];
  for (const [what, keys, bytes, shapes] of plans) {
    it(`is sent ${what}`, () => {
      assert.deepEqual(write(bytes, keys).bursts.map(shape), shapes);
    });
  }

  it('is answered exactly, whatever was negotiated and asked for', () => {
    const size = fc.integer({ min: 512, max: 5000 });
    const yes = fc.constantFrom('Yes', 'No');
    fc.assert(
      fc.property(
        fc.record({
          InitialR2T: yes,
          ImmediateData: yes,
          FirstBurstLength: size,
          MaxBurstLength: size,
          MaxRecvDataSegmentLength: size,
        }),
        fc.nat({ max: 20_000 }),
        fc.integer({ min: 1, max: 5000 }),
        (keys, bytes, burst) => {
          const most = keys.MaxBurstLength;
          const { tag, dataOut, bursts } = write(bytes, keys, Math.min(burst, most));
          const whole = Buffer.alloc(bytes);
          let next = 0;
          for (const [index, pdus] of bursts.entries()) {
            const data = pdus.filter((pdu) => pdu.kind === 'data-out');
            for (const [dataSN, pdu] of data.entries()) {
              const last = dataSN === data.length - 1;
              const targetTag = index === 0 ? 0xffffffff : 0x1000 + index - 1;
              assert.deepEqual(
                [pdu.tag, pdu.targetTag, pdu.dataSN, pdu.final, pdu.lun],
                [tag, targetTag, dataSN, last, 1],
              );
              assert.ok(pdu.data.length > 0 && pdu.data.length <= keys.MaxRecvDataSegmentLength);
            }
            for (const pdu of pdus) {
              assert.ok('data' in pdu);
              if (pdu.kind === 'command') assert.equal(pdu.final, data.length === 0);
              else assert.ok(pdu.kind === 'data-out' && pdu.offsetBytes === next);
              whole.set(pdu.data, next);
              next += pdu.data.length;
            }
            assert.ok(unasked(pdus) <= (index === 0 ? Math.min(keys.FirstBurstLength, most) : most));
          }
          assert.equal(next, bytes);
          assert.ok(whole.equals(dataOut));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('copies none of its data', () => {
    const { initiator, target } = ready({}, 'InitialR2T=No', 'FirstBurstLength=65536');
    const dataOut = payload(100_000);
    const { tag, pieces } = initiator.issue({ lun: 1, cdb, dataOut })!;
    const [asked] = initiator.receive(target.r2t(tag, 1, 0, 65536, 34464));
    assert.ok(asked?.kind === 'send');
    const views = [...pieces, ...asked.pieces].filter(({ buffer }) => buffer === dataOut.buffer);
    assert.equal(
      views.reduce((sum, view) => sum + view.length, 0),
      100_000,
    );
  });

  it('is copied by its user where some of it has to wait, and only there', () => {
    const { initiator, target } = ready({}, 'InitialR2T=Yes', 'FirstBurstLength=1024');
    const copies: Uint8Array[] = [];
    const keep = (data: Uint8Array): Uint8Array => (copies.push(data.slice()), copies.at(-1)!);
    const atOnce = initiator.issue({ lun: 1, cdb, dataOut: payload(1024), keep })!;
    assert.deepEqual([atOnce.kept, copies.length], [undefined, 0]);
    const dataOut = payload(2048);
    const waiting = initiator.issue({ lun: 1, cdb, dataOut, keep })!;
    assert.equal(waiting.kept, copies[0]);
    dataOut.fill(0);
    const [asked] = feed(initiator, target.r2t(waiting.tag, 1, 0, 1024, 1024));
    assert.ok(asked?.kind === 'send');
    const [pdu] = sentPdus(asked.pieces);
    assert.ok(pdu?.kind === 'data-out');
    assert.deepEqual(Buffer.from(pdu.data), Buffer.from(payload(2048).subarray(1024)));
  });

  it('sends nothing more when nobody waits for it, so that its bytes may be changed', () => {
    const { initiator, target } = ready({}, 'InitialR2T=Yes', 'ImmediateData=No');
    const { tag } = initiator.issue({ lun: 1, cdb, dataOut: payload(4096) })!;
    initiator.abandon(tag);
    assert.deepEqual(feed(initiator, target.r2t(tag, 1, 0, 0, 4096)), []);
    assert.deepEqual(feed(initiator, target.response(tag, 2)), []);
    assert.deepEqual([initiator.unanswered, initiator.status], [0, 'ready']);
  });

  it('may be taken in part, and tells how much was left', () => {
    const { initiator, target } = ready({}, 'InitialR2T=No');
    const { tag } = initiator.issue({ lun: 1, cdb, dataOut: payload(1024) })!;
    const residual = { flags: 0x82, fields: [[44, 32, 512]] } as const;
    const [answered] = feed(initiator, target.response(tag, 0, nothing, residual));
    assert.ok(answered?.kind === 'answered');
    assert.deepEqual(answered.residual, { kind: 'underflow', bytes: 512 });
  });

  /** Of a command that writes 10000 bytes, none of which were sent, in bursts of 4096. */
  const wrong: [what: string, bytes: (target: TargetBytes, tag: number) => Uint8Array, words: RegExp][] = [
    ['an R2TSN left out', (t, tag) => t.r2t(tag, 1, 1, 0, 100), /an R2T with R2TSN 1, 0 is due/],
    [
      'an offset that is not next',
      (t, tag) => t.r2t(tag, 1, 0, 100, 100),
      /data from 100 on, those from 0 on are due/,
    ],
    ['a burst of nothing', (t, tag) => t.r2t(tag, 1, 0, 0, 0), /for 0 bytes, a burst has 1 to 4096/],
    ['a burst too long', (t, tag) => t.r2t(tag, 1, 0, 0, 4097), /for 4097 bytes, a burst has 1 to 4096/],
    [
      'a burst beyond the end',
      (t, tag) => Buffer.concat([0, 1, 2].map((n) => t.r2t(tag, 1, n, n * 4096, 4096))),
      /an R2T for data up to 12288, the command writes 10000 bytes/,
    ],
    [
      'success before its data was asked for',
      (t, tag) => Buffer.concat([t.r2t(tag, 1, 0, 0, 4096), t.response(tag)]),
      /a SCSI Response of a success after 4096 of 10000 bytes written/,
    ],
    [
      'data',
      (t, tag) => t.dataIn(tag, 0, 0, payload(8)),
      /a Data-In with data up to 8, the command reads 0 bytes/,
    ],
    ['another tag', (t) => t.r2t(99, 1, 0, 0, 8), /an R2T with tag 0x63, which nothing unanswered has/],
  ];
  for (const [what, bytes, words] of wrong) {
    it(`is the end of the session when it gets ${what}`, () => {
      const { initiator, target } = ready({}, 'MaxBurstLength=4096', 'ImmediateData=No', 'InitialR2T=Yes');
      const { tag } = initiator.issue({ lun: 1, cdb, dataOut: payload(10_000) })!;
      const last = feed(initiator, bytes(target, tag)).at(-1);
      assert.ok(last?.kind === 'broken', JSON.stringify(last));
      assert.match(last.text, /^full-feature phase: /);
      assert.match(last.text, words);
      assert.equal(initiator.status, 'dead');
    });
  }
});
