import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { bytes } from './bytes.fixture.ts';
import { parseCdb, type SeenCommand } from './cdb.ts';

// prettier-ignore
const seen: readonly [cdb: string, command: Omit<SeenCommand, 'operation'>][] = [
  ['08 1f 23 45 00 00', { name: 'READ(6)', medium: 'reads', lba: 0x1f2345, blocks: 256 }],
  ['0a e0 00 08 02 00', { name: 'WRITE(6)', medium: 'writes', lba: 8, blocks: 2 }],
  ['28 08 00 00 10 00 00 01 00 00', { name: 'READ(10)', medium: 'reads', lba: 4096, blocks: 256, fua: true }],
  ['2a 00 ff ff ff ff 00 00 00 00', { name: 'WRITE(10)', medium: 'writes', lba: 0xffff_ffff, blocks: 0, fua: false }],
  ['2e 10 00 00 00 01 00 00 01 00', { name: 'WRITE AND VERIFY(10)', medium: 'writes', lba: 1, blocks: 1 }],
  ['2f 00 00 00 00 01 00 00 01 00', { name: 'VERIFY(10)', medium: 'reads', lba: 1, blocks: 1 }],
  ['35 00 00 00 00 00 00 00 00 00', { name: 'SYNCHRONIZE CACHE(10)', medium: 'nothing', lba: 0, blocks: 0 }],
  ['41 00 00 00 00 05 00 00 00 00', { name: 'WRITE SAME(10)', medium: 'writes', lba: 5, blocks: 0 }],
  ['42 00 00 00 00 00 00 00 18 00', { name: 'UNMAP', medium: 'writes' }],
  ['a8 00 00 00 00 07 00 01 00 00 00 00', { name: 'READ(12)', medium: 'reads', lba: 7, blocks: 65536, fua: false }],
  ['aa 08 00 00 00 07 00 00 00 01 00 00', { name: 'WRITE(12)', medium: 'writes', lba: 7, blocks: 1, fua: true }],
  ['88 08 00 00 00 01 00 00 00 00 00 00 00 08 00 00', { name: 'READ(16)', medium: 'reads', lba: 2 ** 32, blocks: 8, fua: true }],
  ['8a 00 00*7 02 00 00 00 01 00 00', { name: 'WRITE(16)', medium: 'writes', lba: 2, blocks: 1, fua: false }],
  ['89 08 00*7 09 00 00 00 01 00 00', { name: 'COMPARE AND WRITE', medium: 'both', lba: 9, blocks: 1, fua: true }],
  ['9c 00 00*7 09 00 00 01 00 00 00', { name: 'WRITE ATOMIC(16)', medium: 'writes', lba: 9, blocks: 256, fua: false }],
  ['93 08 00*7 09 00 00 00 01 00 00', { name: 'WRITE SAME(16)', medium: 'writes', lba: 9, blocks: 1 }],
  ['9e 10 00*8 00 00 00 20 00 00', { name: 'SERVICE ACTION IN(16)', medium: 'nothing', serviceAction: 0x10 }],
  ['5e 01 00 00 00 00 00 00 18 00', { name: 'PERSISTENT RESERVE IN', medium: 'nothing', serviceAction: 1 }],
  ['5f 04 03 00 00 00 00 00 18 00', { name: 'PERSISTENT RESERVE OUT', medium: 'nothing', serviceAction: 4 }],
  ['83 00 00*14', { name: 'THIRD PARTY COPY OUT', medium: 'both', serviceAction: 0 }],
  ['7f 00*6 18 00 0b 08 00 00*7 05 00*8 00 00 00 02', { name: 'WRITE(32)', medium: 'writes', serviceAction: 11, lba: 5, blocks: 2, fua: true }],
  ['7f 00*6 18 00 0b 08 00 00 00 00 00', { name: 'WRITE(32)', medium: 'writes', serviceAction: 11 }],
  ['7f 00*6 18 ff ff 00*6', { name: 'VARIABLE LENGTH', medium: 'unknown', serviceAction: 0xffff }],
  ['c1 00 00 00 00 00', { name: 'operation C1h', medium: 'unknown' }],
  ['00 00 00 00 00 00', { name: 'TEST UNIT READY', medium: 'nothing' }],
];

describe('a CDB somebody else sent', () => {
  for (const [cdb, command] of seen) {
    it(`${cdb} is ${command.name}, and ${command.medium} what is on the medium`, () => {
      const sent = bytes(cdb);
      const padded = new Uint8Array(Math.max(16, sent.length));
      padded.set(sent);
      for (const each of [sent, padded]) assert.deepEqual(parseCdb(each), { ...command, operation: each[0] });
    });
  }

  it('that is shorter than its operation has it is none', () => {
    for (const cdb of ['08 00 00 00 00', '28 00*8', '88 00*14', 'a8 00*10', '7f 00*8'])
      assert.equal(parseCdb(bytes(cdb)), undefined);
    assert.equal(parseCdb(new Uint8Array()), undefined);
  });

  it('is read whatever its bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (cdb) => {
        const command = parseCdb(cdb);
        if (command === undefined) return;
        assert.equal(command.operation, cdb[0]);
        assert.ok(command.blocks === undefined || command.blocks >= 0);
      }),
      { numRuns: 2000 },
    );
  });
});
