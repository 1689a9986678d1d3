import assert from 'node:assert/strict';
import { NBD_FLAG_C, NBD_INFO, NBD_OPT, NBD_REP, NBD_REP_ERR } from '../constants.ts';
import { clientFlags, exportName, go, infoData, option, outcomes, served } from './client-bytes.fixture.ts';
import { NbdServerWire } from './server.ts';

const hex = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString('hex');

/** Option replies as `option type data`, data in hex. */
function replies(bytes: Uint8Array | null): string[] {
  const all: string[] = [];
  for (let rest = Buffer.from(bytes ?? []); rest.length > 0;) {
    assert.equal(rest.subarray(0, 8).toString('hex'), '0003e889045565a9');
    const end = 20 + rest.readUInt32BE(16);
    all.push(
      `${rest.readUInt32BE(8)} ${typeName(rest.readUInt32BE(12))} ${hex(rest.subarray(20, end))}`.trim(),
    );
    rest = rest.subarray(end);
  }
  return all;
}

function typeName(type: number): string {
  const known = [...Object.entries(NBD_REP), ...Object.entries(NBD_REP_ERR)];
  return known.find(([, value]) => value === type)?.[0] ?? String(type);
}

function negotiating(...received: Uint8Array[]): NbdServerWire {
  const wire = new NbdServerWire(['quorum']);
  wire.receive(clientFlags());
  for (const bytes of received) wire.receive(bytes);
  return wire;
}

/** What the server says by itself to one option. */
function answerTo(bytes: Uint8Array): string[] {
  const wire = negotiating(bytes);
  const [first, ...more] = outcomes(wire);
  assert.deepEqual(more, []);
  assert.equal(first?.kind, 'send');
  assert.equal(wire.status, 'negotiating');
  return replies(first.kind === 'send' ? first.bytes : null).map((reply) => {
    const [head = '', type = '', data = ''] = reply.split(' ');
    return type in NBD_REP_ERR ? `${head} ${type} ${Buffer.from(data, 'hex').toString()}` : reply;
  });
}

describe('NBD server: greeting', () => {
  it('offers fixed newstyle and no zeroes', () => {
    assert.equal(hex(new NbdServerWire([]).greeting()), '4e42444d41474943' + '49484156454f5054' + '0003');
  });

  it('client flags it does not know end the connection', () => {
    const wire = new NbdServerWire([]);
    wire.receive(clientFlags(4));
    assert.deepEqual(outcomes(wire), [{ kind: 'broken', why: 'unknown client flags 0x4' }]);
    assert.equal(wire.status, 'closed');
  });

  it('a client without fixed newstyle can only name its export', () => {
    const wire = new NbdServerWire([]);
    wire.receive(clientFlags(0));
    wire.receive(option(NBD_OPT.LIST));
    assert.deepEqual(outcomes(wire), [{ kind: 'broken', why: 'option 3 without fixed newstyle' }]);
  });
});

describe('NBD server: options it answers by itself', () => {
  it('LIST shows what anybody may see', () => {
    assert.deepEqual(answerTo(option(NBD_OPT.LIST)), ['3 SERVER 0000000671756f72756d', '3 ACK']);
  });

  // prettier-ignore
  const rows: readonly [what: string, bytes: Uint8Array, answer: string][] = [
    ['LIST with data is invalid',        option(NBD_OPT.LIST, Buffer.from('x')),            '3 INVALID NBD_OPT_LIST has no data'],
    ['STARTTLS is unsupported',          option(NBD_OPT.STARTTLS),                          '5 UNSUP option 5 is not supported'],
    ['structured replies are',           option(NBD_OPT.STRUCTURED_REPLY),                  '8 UNSUP option 8 is not supported'],
    ['metadata contexts are',            option(NBD_OPT.SET_META_CONTEXT, Buffer.alloc(12)), '10 UNSUP option 10 is not supported'],
    ['an option nobody knows is',        option(4711, Buffer.from('abc')),                  '4711 UNSUP option 4711 is not supported'],
    ['a longer one than is read is too', option(4711, Buffer.alloc(8193)),                  '4711 TOO_BIG option data of 8193 bytes; at most 8192 are read'],
    ['GO without data is invalid',       option(NBD_OPT.GO),                                '7 INVALID its 0 bytes end before what they announce'],
    ['GO with a name cut short',         option(NBD_OPT.GO, infoData('quorum', []).subarray(0, 7)), '7 INVALID its 7 bytes end before what they announce'],
    ['INFO with too few requests',       option(NBD_OPT.INFO, infoData('quorum', [3]).subarray(0, 13)), '6 INVALID its 13 bytes end before what they announce'],
    ['GO with something left over',      option(NBD_OPT.GO, Buffer.concat([infoData('q', []), Buffer.alloc(2)])), '7 INVALID 2 bytes too many'],
    ['GO with an endless name',          go('x'.repeat(4097)),                              '7 TOO_BIG an export name of 4097 bytes'],
  ];
  for (const [what, bytes, answer] of rows) {
    it(what, () => assert.deepEqual(answerTo(bytes), [answer]));
  }

  it('ABORT is acknowledged, and ends the connection', () => {
    const [leave, ...more] = outcomes(
      negotiating(option(NBD_OPT.ABORT, Buffer.from('ignored')), go('quorum')),
    );
    assert.deepEqual(more, []);
    assert.equal(leave?.kind, 'leave');
    assert.deepEqual(replies(leave.kind === 'leave' ? leave.bytes : null), ['2 ACK']);
  });

  it('bytes that are no option end the connection', () => {
    const wire = negotiating(Buffer.from('GET / HTTP/1.1\r\n'));
    assert.deepEqual(outcomes(wire), [{ kind: 'broken', why: 'an option does not begin with IHAVEOPT' }]);
  });

  it('an export name too long to be one ends the connection: NBD_OPT_EXPORT_NAME has no error', () => {
    for (const length of [4097, 9000]) {
      const wire = negotiating(exportName('x'.repeat(length)));
      assert.deepEqual(outcomes(wire), [{ kind: 'broken', why: `an export name of ${length} bytes` }]);
    }
  });
});

describe('NBD server: an export is asked for', () => {
  const about = served({ name: 'quorum' });
  const exportInfo = '7 INFO ' + '0000' + '0000000000010000' + '010d';
  const sizesInfo = '7 INFO ' + '0003' + '00000200' + '00001000' + '00004000';

  it('nothing is parsed on until it is decided', () => {
    const wire = negotiating(go('quorum'), option(NBD_OPT.LIST));
    assert.deepEqual(outcomes(wire), [{ kind: 'export-wanted', name: 'quorum', intent: 'go' }]);
    assert.equal(wire.status, 'deciding');
  });

  it('GO, admitted: size, flags and block sizes, then transmission', () => {
    const wire = negotiating(go('quorum'));
    outcomes(wire);
    assert.deepEqual(replies(wire.admit(about)), [exportInfo, sizesInfo, '7 ACK']);
    assert.equal(wire.status, 'serving');
  });

  it('the canonical name only for who asks for it; requests for unknown information are ignored', () => {
    const wire = negotiating(go('quorum', [99, NBD_INFO.NAME]));
    outcomes(wire);
    const name = '7 INFO ' + '0001' + Buffer.from('quorum').toString('hex');
    assert.deepEqual(replies(wire.admit(about)), [exportInfo, sizesInfo, name, '7 ACK']);
  });

  it('a read-only export says so', () => {
    const wire = negotiating(go('quorum'));
    outcomes(wire);
    assert.equal(replies(wire.admit(served({ readOnly: true })))[0], exportInfo.replace('010d', '010f'));
  });

  it('INFO, admitted: the same information, and negotiation goes on', () => {
    const wire = negotiating(go('quorum', [], NBD_OPT.INFO), go('quorum'));
    assert.deepEqual(wire.next(), { kind: 'export-wanted', name: 'quorum', intent: 'info' });
    const told = replies(wire.admit(about));
    assert.equal(wire.status, 'negotiating');
    assert.deepEqual(wire.next(), { kind: 'export-wanted', name: 'quorum', intent: 'go' });
    assert.deepEqual(
      replies(wire.admit(about)),
      told.map((reply) => reply.replace(/^6/, '7')),
    );
  });

  it('GO, refused: a policy error with the text, and the client may try another name', () => {
    const wire = negotiating(go('data@a.1.00000000'), go('quorum'));
    outcomes(wire);
    const text = 'refused: last granted epoch 7';
    assert.deepEqual(replies(wire.refuse(text)), [`7 POLICY ${Buffer.from(text).toString('hex')}`]);
    assert.deepEqual(wire.next(), { kind: 'export-wanted', name: 'quorum', intent: 'go' });
  });

  it('EXPORT_NAME, admitted: size and flags, with 124 zeroes for who wants them', () => {
    for (const flags of [NBD_FLAG_C.NO_ZEROES | NBD_FLAG_C.FIXED_NEWSTYLE, NBD_FLAG_C.FIXED_NEWSTYLE, 0]) {
      const wire = new NbdServerWire([]);
      wire.receive(clientFlags(flags));
      wire.receive(exportName('quorum'));
      assert.deepEqual(wire.next(), { kind: 'export-wanted', name: 'quorum', intent: 'export-name' });
      const zeroes = (flags & NBD_FLAG_C.NO_ZEROES) === 0 ? '00'.repeat(124) : '';
      assert.equal(hex(wire.admit(about)), `0000000000010000010d${zeroes}`);
      assert.equal(wire.status, 'serving');
    }
  });

  it('EXPORT_NAME, refused: there is nothing to say, the connection ends', () => {
    const wire = negotiating(exportName('data@a.1'));
    outcomes(wire);
    assert.equal(wire.refuse('not shown'), null);
    assert.equal(wire.status, 'closed');
  });

  it('deciding what nobody asked is a bug', () => {
    assert.throws(() => negotiating().admit(about), /nothing to decide: the connection is negotiating/);
  });
});
