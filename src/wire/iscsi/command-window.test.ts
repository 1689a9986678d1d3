import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { begun, feed, ready, sentPdus } from './initiator.fixture.ts';
import type { Initiator } from './initiator.ts';
import { serialBefore } from './serial.ts';

const cdb = new Uint8Array(6);
const noTag = 0xffffffff;
const issue = (initiator: Initiator, lun = 1): number => initiator.issue({ lun, cdb })!.tag;

describe('the command window of iSCSI', () => {
  it('is counted by serial arithmetic, through the end of 32 bits', () => {
    const near = fc.integer({ min: 1, max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(fc.nat({ max: 0xffffffff }), near, (from, distance) => {
        const to = (from + distance) >>> 0;
        assert.deepEqual(
          [serialBefore(from, to), serialBefore(to, from), serialBefore(from, from)],
          [true, false, false],
        );
      }),
    );
    assert.deepEqual(
      [serialBefore(0, 2 ** 31), serialBefore(2 ** 31, 0)],
      [false, false],
      'as far as it gets',
    );
  });

  for (const firstCmdSN of [1, 0xfffffffe, 0x7fffffff]) {
    it(`lets in what the target has room for and tells when it has more, from ${firstCmdSN} on`, () => {
      const { initiator, target } = begun({ firstCmdSN });
      const at = (count: number): number => (firstCmdSN + count) >>> 0;
      target.expCmdSN = firstCmdSN;
      target.maxCmdSN = at(2);
      feed(initiator, target.welcome());
      const issued = [1, 2, 3].map(() => initiator.issue({ lun: 1, cdb })!);
      assert.deepEqual(
        issued.map(({ pieces }) => sentPdus(pieces)[0]).map((pdu) => pdu?.kind === 'command' && pdu.cmdSN),
        [firstCmdSN, at(1), at(2)],
      );
      assert.equal(initiator.issue({ lun: 1, cdb }), undefined);
      target.expCmdSN = at(1);
      assert.deepEqual(
        feed(initiator, target.response(issued[0]!.tag)).map(({ kind }) => kind),
        ['answered'],
        'one was answered, and its room is not given back yet',
      );
      target.maxCmdSN = at(3);
      assert.deepEqual(
        feed(initiator, target.response(issued[1]!.tag)).map(({ kind }) => kind),
        ['answered', 'window'],
      );
      assert.notEqual(initiator.issue({ lun: 1, cdb }), undefined);
      assert.deepEqual(
        feed(initiator, target.response(issued[2]!.tag)).length,
        1,
        'nobody waits for the window now',
      );
      // A window that was overtaken says nothing new, nor one that cannot be.
      target.maxCmdSN = at(2);
      feed(initiator, target.ping(noTag));
      target.expCmdSN = at(100);
      target.maxCmdSN = at(90);
      feed(initiator, target.ping(noTag));
      assert.equal(initiator.issue({ lun: 1, cdb }), undefined);
    });
  }

  it('is passed by what is immediate, which uses up no number', () => {
    const { initiator, target } = ready();
    target.maxCmdSN = 0;
    target.expCmdSN = 1;
    feed(initiator, target.ping(noTag));
    for (let count = 0; count < 64; count += 1) issue(initiator);
    assert.equal(initiator.issue({ lun: 1, cdb }), undefined);
    const past = [
      initiator.issue({ lun: 1, cdb, immediate: true })!,
      initiator.manageTask('logical-unit-reset', { lun: 1 }),
      initiator.ping(),
      initiator.ask([]),
    ];
    for (const { pieces } of past) {
      const [pdu] = sentPdus(pieces);
      assert.ok(pdu !== undefined && 'cmdSN' in pdu && pdu.immediate);
      assert.equal(pdu.cmdSN, 65);
    }
  });

  it('is one of 32 bits of tags too: every open command has its own', () => {
    const { initiator, target } = ready();
    target.maxCmdSN = 2000;
    feed(initiator, target.ping(noTag));
    const tags = Array.from({ length: 1000 }, () => issue(initiator));
    assert.equal(new Set(tags).size, 1000);
    assert.equal(initiator.unanswered, 1000);
  });

  it('acknowledges every status with the next request', () => {
    const { initiator, target } = ready();
    target.statSN = 3;
    feed(initiator, Buffer.concat([target.response(issue(initiator)), target.response(issue(initiator))]));
    const [pdu] = sentPdus(initiator.ping().pieces);
    assert.ok(pdu?.kind === 'nop-out');
    assert.equal(pdu.expStatSN, 5);
  });
});
