import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { formatDataName, parseExportName } from './export-name.ts';

describe('export names', () => {
  it('quorum is the quorum area', () => {
    assert.deepEqual(parseExportName('quorum'), { kind: 'quorum' });
  });

  it('a data name carries node, epoch and the short incarnation', () => {
    assert.deepEqual(parseExportName('data@server-1.7.0123abcd'), {
      kind: 'data',
      grant: { node: 'server-1', epoch: 7, incarnation: '0123abcd' },
    });
  });

  it('a data name may lack the incarnation: literal agents have none', () => {
    assert.deepEqual(parseExportName('data@a.0'), {
      kind: 'data',
      grant: { node: 'a', epoch: 0, incarnation: '' },
    });
  });

  // prettier-ignore
  const unknown: readonly [name: string, why: string][] = [
    ['',                             'no export of that name'],
    ['Quorum',                       'no export of that name'],
    ['quorum ',                      'no export of that name'],
    ['data',                         'no export of that name'],
    ['data@a',                       'no export of that name'],
    ['data@.1.01234567',             "'' is not a node name"],
    ['data@A.1.01234567',            "'A' is not a node name"],
    ['data@a.01.01234567',           "'01' is not an epoch"],
    ['data@a.-1.01234567',           "'-1' is not an epoch"],
    ['data@a.1e3.01234567',          "'1e3' is not an epoch"],
    ['data@a.9007199254740992.01234567', "'9007199254740992' is not an epoch"],
    ['data@a.1.',                    "'' is not 8 hex digits of an incarnation"],
    ['data@a.1.0123456',             "'0123456' is not 8 hex digits of an incarnation"],
    ['data@a.1.0123456G',            "'0123456G' is not 8 hex digits of an incarnation"],
    ['data@a.1.01234567\n',          "'01234567\n' is not 8 hex digits of an incarnation"],
    ['data@a.1.01234567.8',          "'01234567.8' is not 8 hex digits of an incarnation"],
  ];
  for (const [name, why] of unknown) {
    it(`${JSON.stringify(name)} is turned away: ${JSON.stringify(why)}`, () => {
      assert.deepEqual(parseExportName(name), { kind: 'unknown', why });
    });
  }

  it('every name has one spelling: what parses is what is formatted', () => {
    const grant = fc.record(
      {
        node: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,30}$/),
        epoch: fc.maxSafeNat(),
        incarnation: fc.oneof(fc.constant(''), fc.stringMatching(/^[0-9a-f]{8}$/)),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(grant, (grant) => {
        assert.deepEqual(parseExportName(formatDataName(grant)), { kind: 'data', grant });
      }),
    );
    fc.assert(
      fc.property(fc.string(), (rest) => {
        const parsed = parseExportName(`data@${rest}`);
        if (parsed.kind === 'data') assert.equal(formatDataName(parsed.grant), `data@${rest}`);
      }),
    );
  });
});
