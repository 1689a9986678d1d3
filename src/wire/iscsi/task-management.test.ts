import assert from 'node:assert/strict';
import { feed, ready, sentPdus } from './initiator.fixture.ts';
import type { Initiator } from './initiator.ts';

const cdb = new Uint8Array(6);
const noTag = 0xffffffff;
const issue = (initiator: Initiator, lun = 1): number => initiator.issue({ lun, cdb })!.tag;

describe('task management', () => {
  it('refers to the command it is about', () => {
    const { initiator } = ready();
    const [, second] = [issue(initiator), issue(initiator)];
    const { tag, pieces } = initiator.manageTask('abort-task', { lun: 1, tag: second });
    assert.deepEqual(sentPdus(pieces), [
      {
        kind: 'task-management',
        immediate: true,
        function: 1,
        lun: 1,
        tag,
        referencedTag: second,
        cmdSN: 3,
        refCmdSN: 2,
        expStatSN: 3,
      },
    ]);
  });

  const functions = [
    ['abort-task-set', 2],
    ['clear-task-set', 4],
    ['logical-unit-reset', 5],
    ['target-warm-reset', 6],
  ] as const;
  for (const [what, code] of functions) {
    it(`tells with ${what} which commands have no answer to come, and swallows one that comes all the same`, () => {
      const { initiator, target } = ready();
      const [before, elsewhere, given] = [issue(initiator), issue(initiator, 2), issue(initiator)];
      initiator.abandon(given);
      const { tag, pieces } = initiator.manageTask(what, { lun: 1 });
      const [pdu] = sentPdus(pieces);
      assert.ok(pdu?.kind === 'task-management');
      assert.deepEqual([pdu.function, pdu.lun, pdu.referencedTag], [code, 1, noTag]);
      const after = issue(initiator);
      const ended = what === 'target-warm-reset' ? [before, elsewhere] : [before];
      assert.deepEqual(feed(initiator, target.managed(tag)), [{ kind: 'managed', tag, response: 0, ended }]);
      assert.equal(initiator.unanswered, what === 'target-warm-reset' ? 1 : 2);
      assert.deepEqual(feed(initiator, target.response(before)), []);
      assert.equal(feed(initiator, target.response(after))[0]?.kind, 'answered');
    });
  }

  it('ends nothing when it is refused', () => {
    const { initiator, target } = ready();
    const command = issue(initiator);
    for (const response of [2, 5, 255]) {
      const { tag } = initiator.manageTask('logical-unit-reset', { lun: 1 });
      assert.deepEqual(feed(initiator, target.managed(tag, response)), [
        { kind: 'managed', tag, response, ended: [] },
      ]);
    }
    const { tag } = initiator.manageTask('abort-task', { lun: 1, tag: command });
    assert.deepEqual(feed(initiator, target.managed(tag, 5)), [
      { kind: 'managed', tag, response: 5, ended: [] },
    ]);
    assert.equal(initiator.unanswered, 1);
  });

  it('ends a command that the target aborted or does not have any more', () => {
    for (const response of [0, 1]) {
      const { initiator, target } = ready();
      const command = issue(initiator);
      const { tag } = initiator.manageTask('abort-task', { lun: 1, tag: command });
      assert.deepEqual(feed(initiator, target.managed(tag, response)), [
        { kind: 'managed', tag, response, ended: [command] },
      ]);
      assert.equal(initiator.unanswered, 0);
    }
  });

  it('does not end a command that was answered before', () => {
    const { initiator, target } = ready();
    const command = issue(initiator);
    const { tag } = initiator.manageTask('abort-task', { lun: 1, tag: command });
    const said = Buffer.concat([target.response(command), target.managed(tag, 1)]);
    assert.deepEqual(
      feed(initiator, said).map(({ kind }) => kind),
      ['answered', 'managed'],
    );
  });
});
