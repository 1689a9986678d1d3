import assert from 'node:assert/strict';
import { NBD_OPT, NBD_REP, NBD_REP_ERR } from '../constants.ts';
import { clientFlags, exportName, go, option, outcomes } from './client-bytes.fixture.ts';
import { NbdServerWire } from './server.ts';
import type { TlsMode } from './start-tls.ts';

function greeted(mode: TlsMode, ...received: Uint8Array[]): NbdServerWire {
  const wire = new NbdServerWire(['quorum'], mode);
  for (const bytes of [clientFlags(), ...received]) wire.receive(bytes);
  return wire;
}

/** What came of it, an option reply as `option type text`. */
function answers(wire: NbdServerWire): string[] {
  return outcomes(wire).map((outcome) => {
    if (outcome.kind === 'broken') return `broken: ${outcome.why}`;
    if (!('bytes' in outcome)) return outcome.kind;
    const reply = Buffer.from(outcome.bytes);
    const types = Object.entries({ ...NBD_REP, ...NBD_REP_ERR });
    const type = types.find(([, value]) => value === reply.readUInt32BE(12))?.[0];
    return [outcome.kind, reply.readUInt32BE(8), type, reply.subarray(20)].join(' ').trim();
  });
}

const secure = (mode: TlsMode): NbdServerWire => {
  const wire = greeted(mode, option(NBD_OPT.STARTTLS));
  assert.deepEqual(answers(wire), ['start-tls 5 ACK']);
  wire.secured();
  return wire;
};

describe('NBD server: STARTTLS', () => {
  it('is acknowledged, and then nothing is read on before TLS is up', () => {
    const wire = greeted('require');
    wire.receive(option(NBD_OPT.STARTTLS));
    assert.deepEqual(answers(wire), ['start-tls 5 ACK']);
    assert.equal(wire.status, 'negotiating');
    assert.deepEqual(outcomes(wire), []);
    wire.secured();
    wire.receive(go('quorum'));
    assert.deepEqual(answers(wire), ['export-wanted']);
  });

  it('what came in plain behind it ends the connection, with it or after it', () => {
    for (const wire of [
      greeted('on', Buffer.concat([option(NBD_OPT.STARTTLS), go('quorum')])),
      greeted('require', option(NBD_OPT.STARTTLS), go('quorum')),
    ]) {
      assert.deepEqual(answers(wire), [
        'start-tls 5 ACK',
        'broken: 28 bytes in plain behind NBD_OPT_STARTTLS',
      ]);
      assert.equal(wire.status, 'closed');
    }
  });

  // prettier-ignore
  const rows: readonly [mode: TlsMode, what: string, bytes: Uint8Array, answer: string][] = [
    ['off',     'STARTTLS is unsupported',           option(NBD_OPT.STARTTLS),                        'send 5 UNSUP option 5 is not supported'],
    ['off',     'LIST is answered',                  option(NBD_OPT.LIST, Buffer.from('x')),          'send 3 INVALID NBD_OPT_LIST has no data'],
    ['on',      'STARTTLS with data is invalid',     option(NBD_OPT.STARTTLS, Buffer.from('x')),      'send 5 INVALID NBD_OPT_STARTTLS has no data'],
    ['on',      'a plain client gets its export',    go('quorum'),                                    'export-wanted'],
    ['require', 'GO has to wait for TLS',            go('quorum'),                                    'send 7 TLS_REQD TLS is required here: NBD_OPT_STARTTLS comes first'],
    ['require', 'INFO has to',                       go('quorum', [], NBD_OPT.INFO),                  'send 6 TLS_REQD TLS is required here: NBD_OPT_STARTTLS comes first'],
    ['require', 'LIST has to',                       option(NBD_OPT.LIST),                            'send 3 TLS_REQD TLS is required here: NBD_OPT_STARTTLS comes first'],
    ['require', 'what nobody knows has to',          option(4711, Buffer.alloc(9000)),                'send 4711 TLS_REQD TLS is required here: NBD_OPT_STARTTLS comes first'],
    ['require', 'EXPORT_NAME ends the connection',   exportName('quorum'),                            'broken: an export is asked for without TLS, which is required'],
    ['require', 'ABORT needs no TLS',                option(NBD_OPT.ABORT),                           'leave 2 ACK'],
  ];
  for (const [mode, what, bytes, answer] of rows) {
    it(`${mode}: ${what}`, () => assert.deepEqual(answers(greeted(mode, bytes)), [answer]));
  }

  it('can follow a refused option on the same connection', () => {
    const wire = greeted('require', option(4711, Buffer.alloc(9000)), option(NBD_OPT.STARTTLS));
    assert.match(answers(wire).at(-1)!, /^start-tls/);
  });

  it('a second one is invalid, and under TLS nothing is TLS_REQD any more', () => {
    const wire = secure('require');
    wire.receive(option(NBD_OPT.STARTTLS));
    wire.receive(option(NBD_OPT.LIST, Buffer.from('x')));
    assert.deepEqual(answers(wire), [
      'send 5 INVALID TLS is up already',
      'send 3 INVALID NBD_OPT_LIST has no data',
    ]);
  });

  it('saying that TLS is up when nobody started it is a bug', () => {
    assert.throws(() => greeted('on').secured(), /TLS was not started: the connection is negotiating/);
  });
});
