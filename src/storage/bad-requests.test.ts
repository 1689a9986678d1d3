import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { needs } from '../block/nbd/servers.fixture.ts';
import { NBD_CMD, NBD_CMD_FLAG } from '../wire/nbd/constants.ts';
import { DATA_BYTES, dataName, owned, QUORUM_BYTES, StorageDir, TestGate } from './gate.fixture.ts';

const { READ, WRITE, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS, RESIZE } = NBD_CMD;
const MIB = 1024 * 1024;
const sector = Buffer.alloc(512, 1);

type Asked = Parameters<Awaited<ReturnType<TestGate['into']>>['request']>[0];

/** Each with the error that the specification gives it ("Error values", "Request types"). */
// prettier-ignore
function rows(end: number): readonly [what: string, asked: Asked, outcome: string][] {
  return [
    ['a read beyond the end',                     { command: READ, offset: end, length: 512 },                      'EINVAL'],
    ['a read across the end',                     { command: READ, offset: end - 512, length: 1024 },               'EINVAL'],
    ['a read where no number reaches',            { command: READ, offset: 2n ** 64n - 512n, length: 512 },         'EINVAL'],
    ['a write beyond the end',                    { command: WRITE, offset: end, payload: sector },                 'ENOSPC'],
    ['a write across the end',                    { command: WRITE, offset: end - 256, payload: sector },           'ENOSPC'],
    ['a read of nothing',                         { command: READ, offset: 0, length: 0 },                          'EINVAL'],
    ['a write of nothing',                        { command: WRITE, offset: 0, length: 0 },                         'EINVAL'],
    ['a read of more than the largest payload',   { command: READ, offset: 0, length: 32 * MIB + 512 },             'EINVAL'],
    ['a read of all that a request can name',     { command: READ, offset: 0, length: 0xffffffff },                 'EINVAL'],
    ['a write of more than the largest payload',  { command: WRITE, offset: 0, payload: Buffer.alloc(32 * MIB + 512) }, 'EINVAL'],
    ['a command that was not offered: trim',      { command: TRIM, offset: 0, length: 512 },                        'EINVAL'],
    ['a command that was not offered: zeroes',    { command: WRITE_ZEROES, offset: 0, length: 512 },                'EINVAL'],
    ['a command that was not offered: cache',     { command: CACHE, offset: 0, length: 512 },                       'EINVAL'],
    ['a command that was not offered: status',    { command: BLOCK_STATUS, offset: 0, length: 512 },                'EINVAL'],
    ['a command that was not offered: resize',    { command: RESIZE, offset: 0, length: 512 },                      'EINVAL'],
    ['a command that nobody knows',               { command: 4711, offset: 0, length: 512 },                        'EINVAL'],
    ['a flag that nobody knows',                  { command: WRITE, offset: 0, payload: sector, flags: 1 << 9 },    'EINVAL'],
    ['a flag of an extension that was not asked for', { command: READ, length: 512, flags: NBD_CMD_FLAG.DF },       'EINVAL'],
    ['a flush of a part',                         { command: FLUSH, offset: 512, length: 512 },                     'EINVAL'],
    ['a read that is not aligned, by a client that never asked what is', { command: READ, offset: 1, length: 3 },   'ok'],
  ];
}

for (const backend of ['file', 'nbdkit'] as const) {
  describe(`the gate: requests that make no sense (${backend})`, () => {
    for (const [area, end] of [
      ['quorum', QUORUM_BYTES],
      ['data', DATA_BYTES],
    ] as const) {
      it(`each gets the error of the specification, changes nothing, and the connection lives (${area})`, async function () {
        if (backend === 'nbdkit') await needs(this, 'nbdkit', 'nbdkit');
        using dir = new StorageDir();
        await using gate = await TestGate.start(dir, { backend });
        await gate.own(owned('a', 5));
        const client = await gate.into(area === 'data' ? dataName('a', 5) : area);
        const path = area === 'data' ? dir.data : dir.quorum;
        const before = readFileSync(path);
        for (const [what, asked, outcome] of rows(end))
          assert.equal((await client.request(asked)).outcome, outcome, what);
        assert.ok(readFileSync(path).equals(before));
        assert.equal((await client.write(end - 512, sector, { fua: true })).outcome, 'ok');
      });
    }

    it('a write to what is there for reading alone is EPERM, wherever it goes', async function () {
      if (backend === 'nbdkit') await needs(this, 'nbdkit', 'nbdkit');
      using dir = new StorageDir(512, owned('a', 5));
      await using gate = await TestGate.start(dir, { backend, readOnly: true });
      for (const name of ['quorum', dataName('a', 5)]) {
        const client = await gate.into(name);
        for (const offset of [0, 2 * DATA_BYTES])
          assert.equal((await client.request({ command: WRITE, offset, payload: sector })).outcome, 'EPERM');
      }
    });
  });
}
