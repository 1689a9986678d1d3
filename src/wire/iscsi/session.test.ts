import assert from 'node:assert/strict';
import { feed, keysOf, ready, sends, sentPdus } from './initiator.fixture.ts';
import type { Initiator } from './initiator.ts';
import type { TargetBytes } from './target-bytes.fixture.ts';

const cdb = new Uint8Array(6);
const nothing = new Uint8Array(0);
const noTag = 0xffffffff;
const issue = (initiator: Initiator, lun = 1): number => initiator.issue({ lun, cdb })!.tag;

describe('what else is said on an iSCSI session', () => {
  it('is a ping of the target, which is answered', () => {
    const { initiator, target } = ready();
    const ping = target.ping(0x1234, { fields: [[8, 16, 5]] });
    assert.deepEqual(sends(feed(initiator, ping, [1])), [
      {
        kind: 'nop-out',
        immediate: true,
        tag: noTag,
        lun: 5,
        targetTag: 0x1234,
        cmdSN: 1,
        expStatSN: 3,
        data: nothing,
      },
    ]);
    assert.equal(initiator.unanswered, 0);
  });

  it('is a ping of its own', () => {
    const { initiator, target } = ready();
    const [heard, abandoned] = [initiator.ping(), initiator.ping()];
    const [pdu] = sentPdus(heard.pieces);
    assert.ok(pdu?.kind === 'nop-out' && pdu.targetTag === noTag && pdu.tag === heard.tag);
    initiator.abandon(abandoned.tag);
    const said = Buffer.concat([target.pong(abandoned.tag), target.pong(heard.tag)]);
    assert.deepEqual(feed(initiator, said), [{ kind: 'pong', tag: heard.tag }]);
  });

  const events: [event: number, parameters: [number, number, number], told: object][] = [
    [1, [0, 0, 10], { kind: 'logout-requested', withinSeconds: 10 }],
    [2, [0, 2, 20], { kind: 'dropped', whole: false, waitSeconds: 2, retainSeconds: 20 }],
    [3, [0, 3, 0], { kind: 'dropped', whole: true, waitSeconds: 3, retainSeconds: 0 }],
    [5, [0, 0, 0], { kind: 'tasks-terminated' }],
    [255, [0, 0, 0], { kind: 'other', event: 255, vendorCode: 0 }],
  ];
  for (const [event, parameters, told] of events) {
    it(`is an event of the target's own accord: ${JSON.stringify(told)}`, () => {
      const { initiator, target } = ready();
      const said = target.async(event, parameters, nothing, { fields: [[9, 8, 2]] });
      assert.deepEqual(feed(initiator, said), [{ kind: 'async', event: told, lun: 2 }]);
      assert.equal(initiator.status, 'ready');
    });
  }

  it('is that the commands to a unit are ended, and no answer to them is owed any more', () => {
    const { initiator, target } = ready();
    const [ended, open] = [issue(initiator, 2), issue(initiator, 3)];
    feed(initiator, target.async(5, [0, 0, 0], nothing, { fields: [[9, 8, 2]] }));
    assert.equal(initiator.unanswered, 1);
    assert.deepEqual(feed(initiator, target.response(ended)), []);
    assert.equal(feed(initiator, target.response(open))[0]?.kind, 'answered');
  });

  it('is an event of a unit, with sense data', () => {
    const { initiator, target } = ready();
    const [outcome] = feed(initiator, target.async(0, [0, 0, 0], Uint8Array.of(0, 3, 0x70, 0, 6)));
    assert.ok(outcome?.kind === 'async' && outcome.event.kind === 'scsi');
    assert.deepEqual([...outcome.event.sense], [0x70, 0, 6]);
    const [wrong] = feed(initiator, target.async(0, [0, 0, 0], Uint8Array.of(0, 9, 0x70)));
    assert.ok(wrong?.kind === 'broken');
    assert.match(wrong.text, /an Asynchronous Message with sense data beyond its 3 bytes/);
  });

  it('is a negotiation that the target asks for, which changes how much it takes', () => {
    const { initiator, target } = ready({}, 'InitialR2T=No', 'MaxRecvDataSegmentLength=4096');
    const outcomes = feed(initiator, target.async(4, [0, 0, 3]));
    assert.deepEqual(outcomes[0], {
      kind: 'async',
      event: { kind: 'negotiation-requested', withinSeconds: 3 },
      lun: 0,
    });
    const [request] = sends(outcomes);
    assert.ok(request?.kind === 'text' && request.final && request.data.length === 0);
    assert.deepEqual(sends(feed(initiator, target.async(4, [0, 0, 3]))), [], 'one at a time');
    const more = feed(initiator, target.text(request.tag, ['MaxRecvDataSegmentLength=1024', 'X-a=b'], 0x99));
    const [answer] = sends(more);
    assert.ok(answer?.kind === 'text' && answer.targetTag === 0x99);
    assert.deepEqual(keysOf(answer), ['X-a=NotUnderstood']);
    assert.deepEqual(feed(initiator, target.text(request.tag, [])), []);
    assert.equal(initiator.unanswered, 0);
    const { pieces } = initiator.issue({ lun: 1, cdb, dataOut: new Uint8Array(2048) })!;
    assert.deepEqual(
      sentPdus(pieces).map((pdu) => 'data' in pdu && pdu.data.length),
      [1024, 1024],
    );
  });

  it('is a question in text, whose answer comes in as many PDUs as the target likes', () => {
    const { initiator, target } = ready({ targetName: '' });
    const { tag, pieces } = initiator.ask([['SendTargets', 'All']]);
    assert.deepEqual(keysOf(sentPdus(pieces)[0]), ['SendTargets=All']);
    const cut = target.pdu(
      0x24,
      0x40,
      [
        [16, 32, tag],
        [20, 32, 5],
      ],
      Buffer.from('TargetName=iqn.2026-11.exam'),
    );
    const [go] = sends(feed(initiator, cut));
    assert.ok(go?.kind === 'text' && go.tag === tag && go.targetTag === 5 && go.data.length === 0);
    assert.equal(initiator.heldBytes, 27);
    const rest = target.pdu(
      0x24,
      0x00,
      [
        [16, 32, tag],
        [20, 32, 6],
      ],
      Buffer.from('ple:a\0'),
    );
    assert.deepEqual(
      sends(feed(initiator, rest)).map((pdu) => pdu.kind === 'text' && pdu.targetTag),
      [6],
    );
    assert.deepEqual(feed(initiator, target.text(tag, ['TargetAddress=[::1]:3260,1'])), [
      {
        kind: 'text',
        tag,
        pairs: [
          ['TargetName', 'iqn.2026-11.example:a'],
          ['TargetAddress', '[::1]:3260,1'],
        ],
      },
    ]);
    assert.deepEqual([initiator.heldBytes, initiator.unanswered], [0, 0]);
  });

  it('is a Reject, which ends what it is about', () => {
    const { initiator, target } = ready();
    const [command, given] = [initiator.issue({ lun: 1, cdb })!, initiator.issue({ lun: 1, cdb })!];
    initiator.abandon(given.tag);
    assert.deepEqual(feed(initiator, target.reject(0x09, command.pieces[0]!)), [
      { kind: 'failed', tag: command.tag, text: 'a SCSI Command was rejected: invalid PDU field (0x09)' },
    ]);
    assert.deepEqual(feed(initiator, target.reject(0x09, given.pieces[0]!)), []);
    assert.deepEqual(feed(initiator, target.response(command.tag, 2)), [], 'nothing more comes of it');
    assert.deepEqual([initiator.unanswered, initiator.status], [0, 'ready']);
  });

  it('is a failure below SCSI', () => {
    const { initiator, target } = ready();
    const tag = issue(initiator);
    assert.deepEqual(feed(initiator, target.response(tag, 0, nothing, { fields: [[2, 8, 1]] })), [
      { kind: 'failed', tag, text: 'the target failed to carry the command out (iSCSI response 0x01)' },
    ]);
  });

  it('is the logout', () => {
    const { initiator, target } = ready();
    const tag = issue(initiator);
    const [request] = sentPdus(initiator.logout());
    assert.ok(request?.kind === 'logout' && request.immediate && request.reason === 0);
    assert.equal(initiator.phase, 'logout');
    assert.throws(
      () => initiator.issue({ lun: 1, cdb }),
      /invariant: a request on an iSCSI session that is left/,
    );
    const said = Buffer.concat([target.response(tag), target.logout(request.tag), target.ping(1)]);
    assert.deepEqual(
      feed(initiator, said, [1]).map(({ kind }) => kind),
      ['answered', 'logged-out'],
    );
    assert.equal(initiator.status, 'closed');
  });

  const wrong: [
    what: string,
    bytes: (target: TargetBytes, rejected: Uint8Array) => Uint8Array,
    words: RegExp,
  ][] = [
    ['a pong to no ping', (t) => t.pong(9), /a NOP-In with tag 0x9, which nothing unanswered has/],
    ['an answer to no question', (t) => t.text(9, []), /a Text Response with tag 0x9, which nothing/],
    ['a task management response to nothing', (t) => t.managed(9), /a Task Management Response with tag 0x9/],
    ['a logout that nobody asked for', (t) => t.logout(9), /a Logout Response with tag 0x9/],
    [
      'an event out of turn',
      (t) => ((t.statSN = 9), t.async(1, [0, 0, 1])),
      /an Asynchronous Message with StatSN 9, 3/,
    ],
    ['a Reject out of turn', (t, r) => ((t.statSN = 9), t.reject(4, r)), /a Reject with StatSN 9, 3 is due/],
    [
      'a Reject of its data',
      (t, r) => t.reject(4, Buffer.concat([Uint8Array.of(5), r.subarray(1)])),
      /a Reject of a Data-Out: protocol error \(0x04\)/,
    ],
    [
      'a Reject of nobody knows what',
      (t) => t.reject(0x33, nothing),
      /a Reject of a PDU that it does not name: a reason/,
    ],
    [
      'a Reject of what was never sent',
      (t, r) => t.reject(2, Buffer.concat([r.subarray(0, 16), Buffer.alloc(32, 1)])),
      /a Reject of a SCSI Command: data digest error/,
    ],
  ];
  for (const [what, bytes, words] of wrong) {
    it(`is the end when it is ${what}`, () => {
      const { initiator, target } = ready();
      const { pieces } = initiator.issue({ lun: 1, cdb })!;
      const outcomes = feed(initiator, bytes(target, pieces[0]!), [3]);
      assert.ok(outcomes[0]?.kind === 'broken' && outcomes.length === 1, JSON.stringify(outcomes));
      assert.match(outcomes[0].text, /^full-feature phase: /);
      assert.match(outcomes[0].text, words);
    });
  }

  it('is the end when a logout is refused', () => {
    const { initiator, target } = ready();
    const [request] = sentPdus(initiator.logout());
    assert.ok(request?.kind === 'logout');
    const [outcome] = feed(initiator, target.logout(request.tag, 3));
    assert.ok(outcome?.kind === 'broken');
    assert.equal(outcome.text, 'logout: a Logout Response that refuses it (response 3)');
  });

  it('is the end when a text comes to none', () => {
    const { initiator, target } = ready();
    const { tag } = initiator.ask([]);
    const outcomes = Array.from({ length: 65 }, () => feed(initiator, target.text(tag, [], 1))).flat();
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      [...Array<string>(64).fill('send'), 'broken'],
    );
    const endless = ready();
    const question = endless.initiator.ask([]);
    const [outcome] = feed(endless.initiator, endless.target.text(question.tag, [], noTag, { flags: 0 }));
    assert.ok(outcome?.kind === 'broken');
    assert.match(outcome.text, /is not the last one and has no tag to go on with/);
  });
});
