import assert from 'node:assert/strict';
import { sealBlock } from '../area/block.ts';
import { CLUSTER, OTHER_CLUSTER, RECORD, sectorsOf, WALL_MS } from '../area/area.fixture.ts';
import { encodeRecord } from '../area/record.ts';
import { hexdump } from '../bytes/hexdump.ts';
import { arbiter, scratch } from './program.fixture.ts';

describe('arbiter dump', () => {
  const { disk, remove } = scratch();
  after(remove);

  it('shows every field of every block', async () => {
    const device = disk('whole', Buffer.concat(sectorsOf(512)));
    const { exitCode, stdout, stderr } = await arbiter('dump', device.uri);
    assert.deepEqual([exitCode, stderr], [0, '']);
    const blocks = stdout.split('\n\n');
    assert.deepEqual(
      blocks.map((block) => block.split('\n')[0]),
      [
        `${device.uri}: 5 sectors of 512 bytes`,
        'header, at 0:',
        'ownership record, at 512:',
        'node slot 0, at 1024:',
        'node slot 1, at 1536:',
        'node slot 2, at 2048:',
      ],
    );
    const crc = Buffer.from(sectorsOf(512)[1]!).subarray(-4).toString('hex');
    assert.deepEqual(blocks[2]!.split('\n').slice(1), [
      '  magic        ARBITERR',
      '  version      1',
      `  cluster      ${CLUSTER}`,
      '  written      2026-01-02T03:04:05.678Z',
      `  crc32c       ${crc}`,
      '  status       1',
      '  node         server-2',
      '  epoch        1099511627777',
      `  incarnation  ${RECORD.incarnation}`,
      '  count        287454020',
      '  successor    server-3',
      '  pause        (none)',
    ]);
    assert.match(blocks[1]!, /\n {2}settleMs {5}1001\n/);
  });

  it('prints the same as JSON', async () => {
    const device = disk('json', Buffer.concat(sectorsOf(4096)));
    const dump = JSON.parse((await arbiter('dump', device.uri, '--json')).stdout);
    assert.deepEqual([dump.uri, dump.sectorBytes, dump.slots, dump.blocks.length], [device.uri, 4096, 3, 5]);
    const crc32c = Buffer.from(sectorsOf(4096)[1]!).subarray(-4).toString('hex');
    const written = new Date(WALL_MS).toISOString();
    assert.deepEqual(dump.blocks[1], {
      ...{ block: 'ownership record', offset: 4096, state: 'valid', magic: 'ARBITERR', version: 1 },
      ...{ cluster: CLUSTER, written, crc32c, ...RECORD },
    });
  });

  it('shows the bytes of a damaged block and why it is one, and the others as ever', async () => {
    const sectors = sectorsOf(512);
    sectors[1] = encodeRecord(RECORD, { clusterId: OTHER_CLUSTER, sectorBytes: 512 });
    sectors[2]!.fill(0);
    sectors[3]![100]! ^= 1;
    const device = disk('damaged', Buffer.concat(sectors));
    const { exitCode, stdout } = await arbiter('dump', device.uri);
    assert.equal(exitCode, 0);
    const why = `belongs to cluster ${OTHER_CLUSTER}, not ${CLUSTER}`;
    const hex = hexdump(sectors[1])
      .map((line) => `  ${line}`)
      .join('\n');
    assert.ok(stdout.includes(`ownership record, at 512: damaged: ${why}\n${hex}\n`), stdout);
    assert.match(stdout, /^node slot 0, at 1024: all zero$/m);
    assert.match(
      stdout,
      /^node slot 1, at 1536: damaged: torn or corrupt: CRC32C [0-9a-f]{8}, computed [0-9a-f]{8}$/m,
    );
    assert.match(stdout, /^node slot 2, at 2048:\n {2}magic {8}ARBITERN$/m);
    const json = JSON.parse((await arbiter('dump', device.uri, '--json')).stdout);
    const expected = {
      block: 'ownership record',
      offset: 512,
      state: 'damaged',
      why,
      hex: Buffer.from(sectors[1]).toString('hex'),
    };
    assert.deepEqual(json.blocks[1], expected);
  });

  for (const sectorBytes of [512, 4096] as const) {
    it(`finds the blocks of ${sectorBytes} bytes behind a header that cannot be read`, async () => {
      const sectors = sectorsOf(sectorBytes);
      sectors[0]!.set([9], 11);
      sealBlock(sectors[0]!);
      const device = disk('newer', Buffer.concat([...sectors, new Uint8Array(32768)]));
      const { exitCode, stdout } = await arbiter('dump', device.uri);
      assert.equal(exitCode, 0);
      assert.match(stdout, new RegExp(`^[^\\n]*: 5 sectors of ${sectorBytes} bytes$`, 'm'));
      assert.match(stdout, /^header, at 0: damaged: written by a newer version 9; this program knows 1$/m);
      assert.match(stdout, /^ {2}node {9}server-2$/m);
    });
  }

  it('says in one line that a disk is not formatted, or too small to be', async () => {
    const empty = disk('empty', 8192);
    assert.deepEqual(await arbiter('dump', empty.uri), {
      exitCode: 3,
      stdout: '',
      stderr: `arbiter: ${empty.uri}: not formatted; \`arbiter init\` lays out a quorum area`,
    });
  });
});
