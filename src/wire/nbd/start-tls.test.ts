import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { NbdClient } from './client.ts';
import { NBD_FLAG, NBD_OPT, NBD_OPTS_MAGIC, NBD_REP, NBD_REP_ERR } from './constants.ts';
import { optionAbort } from './option.ts';
import { optionGo } from './option-go.ts';
import { optionStructuredReply } from './option-structured-reply.ts';
import type { Outcome } from './outcome.ts';
import {
  acknowledgement,
  bytesOf,
  exportReply,
  greeting,
  infoExport,
  optionReply,
  structuredAgreed,
  structuredRefused,
} from './server-bytes.fixture.ts';

const goOn = optionReply(NBD_REP.ACK, bytesOf(), NBD_OPT.STARTTLS);

/** A client that wants TLS, after these bytes in plain, in pieces of so many. */
function after(bytes: Uint8Array, piece = bytes.length): { client: NbdClient; outcomes: Outcome[] } {
  const client = new NbdClient('quorum', { tls: true });
  const outcomes: Outcome[] = [];
  for (let at = 0; at < bytes.length; at += piece) {
    outcomes.push(...client.receive(bytes.slice(at, at + piece)));
  }
  return { client, outcomes };
}

describe('an NBD client that wants TLS', () => {
  it('asks for nothing else in plain, and for its export once TLS is up', () => {
    for (const piece of [1, 7, 100]) {
      const { client, outcomes } = after(bytesOf(greeting(), goOn), piece);
      const sent = outcomes.flatMap((outcome) => (outcome.kind === 'send' ? [outcome.bytes] : []));
      assert.deepEqual(
        Buffer.concat(sent),
        bytesOf([32, 3], [64, NBD_OPTS_MAGIC], [32, NBD_OPT.STARTTLS], [32, 0]),
      );
      assert.deepEqual(outcomes.slice(1), [{ kind: 'start-tls' }]);
      assert.equal(client.status, 'negotiating');
      assert.deepEqual(client.secured(), optionStructuredReply());
      const [go, ready, ...more] = client.receive(
        bytesOf(structuredAgreed, infoExport(65536), acknowledgement),
      );
      assert.deepEqual(Buffer.from(go?.kind === 'send' ? go.bytes : []), Buffer.from(optionGo('quorum')));
      assert.ok(ready?.kind === 'ready' && ready.structuredReplies);
      assert.deepEqual(more, []);
    }
  });

  it('does not go on in plain when it is refused, whatever the server calls it', () => {
    for (const type of [NBD_REP_ERR.UNSUP, NBD_REP_ERR.POLICY, NBD_REP_ERR.TLS_REQD, 0x8000_ffff]) {
      const { client, outcomes } = after(
        bytesOf(greeting(), optionReply(type, bytesOf('no'), NBD_OPT.STARTTLS)),
      );
      assert.deepEqual(outcomes.slice(1), [
        { kind: 'send', bytes: optionAbort() },
        { kind: 'no-tls', type, text: 'no' },
      ]);
      assert.equal(client.status, 'closed');
      assert.throws(() => client.secured(), /invariant/);
    }
  });

  it('does not go on in plain with a server that is too old to know it', () => {
    const { client, outcomes } = after(greeting(0));
    assert.deepEqual(outcomes, [
      {
        kind: 'broken',
        reason: 'too-old-for-tls',
        text: 'an NBD server too old for TLS, and nothing goes there in plain',
      },
    ]);
    assert.equal(client.status, 'dead');
  });

  it('can come to its export in the older way, through TLS', () => {
    const { client } = after(bytesOf(greeting(NBD_FLAG.FIXED_NEWSTYLE), goOn));
    client.secured();
    const unknown = optionReply(NBD_REP_ERR.UNSUP);
    const outcomes = client.receive(bytesOf(structuredRefused, unknown, exportReply(65536, 124)));
    assert.equal(outcomes.at(-1)?.kind, 'ready');
  });

  it('does not take the answer to another option, or another answer, for an acknowledgement', () => {
    const answers = [
      acknowledgement,
      infoExport(65536),
      optionReply(NBD_REP.INFO, bytesOf(), NBD_OPT.STARTTLS),
      optionReply(NBD_REP.ACK, bytesOf('x'), NBD_OPT.STARTTLS),
    ];
    const texts = answers.map((answer) => {
      const { client, outcomes } = after(bytesOf(greeting(), answer));
      const end = outcomes.at(-1)!;
      assert.equal(client.status, 'dead');
      return end.kind === 'broken' && end.reason === 'unexpected-option-reply' ? end.text : end;
    });
    assert.deepEqual(texts, [
      'a reply to option 7, and NBD_OPT_STARTTLS (5) was sent',
      'a reply to option 7, and NBD_OPT_STARTTLS (5) was sent',
      'an option reply of type 3 with 0 bytes of data to NBD_OPT_STARTTLS',
      'an option reply of type 1 with 1 bytes of data to NBD_OPT_STARTTLS',
    ]);
  });

  it('believes nothing that came in plain behind the acknowledgement, with it or after it', () => {
    const injected = bytesOf(infoExport(1 << 30), acknowledgement);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), (piece) => {
        const { client, outcomes } = after(bytesOf(greeting(), goOn, injected), piece);
        const end = outcomes.at(-1)!;
        assert.ok(end.kind === 'broken' && end.reason === 'plaintext-after-starttls', end.kind);
        assert.match(end.text, /^\d+ bytes in plain behind the acknowledgement of NBD_OPT_STARTTLS; /);
        assert.equal(client.status, 'dead');
      }),
    );
  });

  it('is secured only by who was told to start TLS', () => {
    assert.throws(() => new NbdClient('quorum', { tls: true }).secured(), /invariant/);
    const plain = new NbdClient('quorum');
    plain.receive(greeting());
    assert.throws(() => plain.secured(), /invariant/);
  });
});
