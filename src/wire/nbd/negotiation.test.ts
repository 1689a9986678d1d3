import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { NbdClient } from './client.ts';
import { NBD_FLAG, NBD_OPT, NBD_REP, NBD_REP_ERR } from './constants.ts';
import { optionExportName } from './option-export-name.ts';
import { optionGo } from './option-go.ts';
import { optionStructuredReply } from './option-structured-reply.ts';
import { optionAbort } from './option.ts';
import { feed } from './outcomes.fixture.ts';
import {
  acknowledgement,
  bytesOf,
  exportReply,
  greeting,
  infoBlockSize,
  infoExport,
  optionReply,
  structuredAgreed,
  structuredRefused,
} from './server-bytes.fixture.ts';

const { FIXED_NEWSTYLE, NO_ZEROES } = NBD_FLAG;
const chunkings = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });

/** What the client sends, in hex, and how it ends. */
function negotiated(...server: readonly Uint8Array[]): { sent: string[]; end: unknown; client: NbdClient } {
  const client = new NbdClient('quorum');
  const outcomes = feed(client, bytesOf(...server), [1]);
  const sent = outcomes.flatMap((outcome) => (outcome.kind === 'send' ? [hex(outcome.bytes)] : []));
  return { sent, end: outcomes.findLast(({ kind }) => kind !== 'send'), client };
}

const hex = (...bytes: readonly Uint8Array[]): string => Buffer.from(bytesOf(...bytes)).toString('hex');
const flags = (value: number): Uint8Array => bytesOf([32, value]);

describe('an NBD client negotiating', () => {
  const server = bytesOf(
    greeting(),
    structuredAgreed,
    infoBlockSize(512, 4096, 1 << 20),
    infoExport(65536),
    acknowledgement,
  );

  it('asks for structured replies and then for the export, and is ready with the acknowledgement', () => {
    const { sent, end, client } = negotiated(server);
    assert.deepEqual(sent, [hex(flags(3), optionStructuredReply()), hex(optionGo('quorum'))]);
    assert.ok(isReady(end));
    assert.deepEqual(
      [end.structuredReplies, end.info.sizeBytes, end.info.blockSizes],
      [true, 65536, { minimumBytes: 512, preferredBytes: 4096, maximumPayloadBytes: 1 << 20 }],
    );
    assert.equal(client.status, 'ready');
  });

  it('sends no option before the last one was answered', () => {
    const client = new NbdClient('quorum');
    assert.deepEqual(feed(client, greeting()).length, 1);
    assert.deepEqual(feed(client, structuredAgreed.subarray(0, 19)), []);
    assert.deepEqual(feed(client, structuredAgreed.subarray(19)).length, 1);
  });

  it('does the same when the bytes come cut anyhow', () => {
    const whole = feed(new NbdClient('quorum'), server);
    fc.assert(
      fc.property(chunkings, (lengths) =>
        assert.deepEqual(feed(new NbdClient('quorum'), server, lengths), whole),
      ),
    );
  });

  it('does without structured replies, whatever the server has against them', () => {
    for (const type of [NBD_REP_ERR.UNSUP, NBD_REP_ERR.POLICY, NBD_REP_ERR.INVALID, NBD_REP_ERR.TLS_REQD]) {
      const refusal = optionReply(type, bytesOf('no'), NBD_OPT.STRUCTURED_REPLY);
      const { sent, end } = negotiated(greeting(), refusal, infoExport(1024), acknowledgement);
      assert.equal(sent[1], hex(optionGo('quorum')));
      assert.ok(isReady(end));
      assert.equal(end.structuredReplies, false);
    }
  });

  it('leaves a server that is going down, at whichever option it says so', () => {
    for (const [option, before] of [
      [NBD_OPT.STRUCTURED_REPLY, bytesOf()],
      [NBD_OPT.GO, structuredAgreed],
    ] as const) {
      const down = optionReply(NBD_REP_ERR.SHUTDOWN, bytesOf('going down'), option);
      const { sent, end, client } = negotiated(greeting(), before, down);
      assert.equal(sent.at(-1), hex(optionAbort()));
      assert.deepEqual(end, { kind: 'refused', type: NBD_REP_ERR.SHUTDOWN, text: 'going down' });
      assert.equal(client.status, 'closed');
    }
  });

  const noGo = optionReply(NBD_REP_ERR.UNSUP, bytesOf('what?'));
  // prettier-ignore
  const older: readonly [what: string, server: readonly Uint8Array[], sent: readonly string[], structured: boolean][] = [
    [ 'no NBD_OPT_GO', [greeting(), structuredRefused, noGo, exportReply(65536, 0)],
      [hex(flags(3), optionStructuredReply()), hex(optionGo('quorum')), hex(optionExportName('quorum'))], false ],
    [ 'no NBD_OPT_GO, but structured replies', [greeting(), structuredAgreed, noGo, exportReply(65536, 0)],
      [hex(flags(3), optionStructuredReply()), hex(optionGo('quorum')), hex(optionExportName('quorum'))], true ],
    [ 'no NBD_OPT_GO, and zeroes', [greeting(FIXED_NEWSTYLE), structuredRefused, noGo, exportReply(65536, 124)],
      [hex(flags(1), optionStructuredReply()), hex(optionGo('quorum')), hex(optionExportName('quorum'))], false ],
    [ 'no options at all', [greeting(NO_ZEROES), exportReply(65536, 0)],
      [hex(flags(2), optionExportName('quorum'))], false ],
    [ 'no options at all, and zeroes', [greeting(0), exportReply(65536, 124)],
      [hex(flags(0), optionExportName('quorum'))], false ],
  ];
  for (const [what, server, expected, structured] of older) {
    it(`falls back to NBD_OPT_EXPORT_NAME with a server that has ${what}`, () => {
      const { sent, end, client } = negotiated(...server);
      assert.deepEqual(sent, expected);
      assert.ok(isReady(end), JSON.stringify(end));
      assert.deepEqual(
        [end.structuredReplies, end.info.sizeBytes, end.info.canFua],
        [structured, 65536, true],
      );
      assert.equal(client.unrefusable, false);
    });
  }

  it('keeps to sectors of 512 bytes and to 32 MiB where a server could not be asked', () => {
    const { end } = negotiated(greeting(NO_ZEROES), exportReply(65536, 0));
    assert.ok(isReady(end));
    assert.deepEqual(end.info.blockSizes, {
      minimumBytes: 512,
      preferredBytes: 4096,
      maximumPayloadBytes: 33554432,
    });
  });

  it('waits for all of the zeroes, and tells that a server could refuse in no other way than by closing', () => {
    const client = new NbdClient('quorum');
    feed(client, bytesOf(greeting(FIXED_NEWSTYLE), structuredRefused));
    assert.equal(client.unrefusable, false);
    feed(client, bytesOf(noGo, exportReply(65536, 123)));
    assert.equal(client.unrefusable, true);
    assert.equal(client.status, 'negotiating');
    feed(client, bytesOf('\0'));
    assert.equal(client.status, 'ready');
  });

  it('takes its leave when it is refused, and gives the words of the server', () => {
    const text = 'data@a.3.0011aabb refused: last granted epoch 7';
    const refusal = optionReply(NBD_REP_ERR.POLICY, bytesOf(text));
    const { sent, end, client } = negotiated(greeting(), structuredRefused, refusal);
    assert.equal(sent.at(-1), hex(optionAbort()));
    assert.deepEqual(end, { kind: 'refused', type: NBD_REP_ERR.POLICY, text });
    assert.equal(client.status, 'closed');
    assert.deepEqual(feed(client, optionReply(NBD_REP.ACK)), []);
  });

  it('makes one line of what a server says, and cuts it at 4096 bytes', () => {
    const text = `no\r\n\x1b[31mroot:\u2028 ${'x'.repeat(8000)}`;
    const { end } = negotiated(greeting(), structuredRefused, optionReply(NBD_REP_ERR.POLICY, bytesOf(text)));
    const said = (end as { text: string }).text;
    assert.match(said, /^no \[31mroot: x+$/);
    assert.ok(said.length > 4000 && said.length <= 4096);
  });

  it('has no room for an export name of more than 4096 bytes', () => {
    assert.throws(() => new NbdClient('x'.repeat(4097)), { name: 'RangeError' });
  });

  it('has no requests yet', () => {
    assert.throws(
      () => new NbdClient('quorum').issue({ kind: 'flush' }),
      /invariant: a request .* negotiating/,
    );
  });

  // prettier-ignore
  const ill: readonly [what: string, server: readonly Uint8Array[], reason: string, text: string][] = [
    [ 'answers another option', [greeting(), optionReply(NBD_REP.ACK, bytesOf(), 3)],
      'unexpected-option-reply', 'a reply to option 3, and NBD_OPT_STRUCTURED_REPLY (8) was sent' ],
    [ 'answers the last option again', [greeting(), structuredAgreed, structuredAgreed],
      'unexpected-option-reply', 'a reply to option 8, and NBD_OPT_GO (7) was sent' ],
    [ 'agrees to structured replies with data', [greeting(), optionReply(NBD_REP.ACK, bytesOf('x'), 8)],
      'unexpected-option-reply', 'an option reply to NBD_OPT_STRUCTURED_REPLY: an acknowledgement with 1 bytes of data' ],
    [ 'answers structured replies with information', [greeting(), optionReply(NBD_REP.INFO, bytesOf(), 8)],
      'unexpected-option-reply', 'an option reply to NBD_OPT_STRUCTURED_REPLY: type 3' ],
    [ 'has an export beyond 2^53', [greeting(0), exportReply(2n ** 53n, 124)],
      'too-large', 'an export of 9007199254740992 bytes; at most 9007199254740991 can be addressed' ],
  ];
  for (const [what, server, reason, text] of ill) {
    it(`is dead when the server ${what}`, () => {
      const { end, client } = negotiated(...server);
      assert.deepEqual(end, { kind: 'broken', reason, text });
      assert.equal(client.status, 'dead');
      assert.deepEqual(feed(client, server[0]!), []);
    });
  }
});

function isReady(outcome: unknown): outcome is Extract<ReturnType<typeof feed>[number], { kind: 'ready' }> {
  return (outcome as { kind?: string } | undefined)?.kind === 'ready';
}
