import assert from 'node:assert/strict';
import { decodeArea } from '../area/area.ts';
import { encodeRecord } from '../area/record.ts';
import type { AreaReading } from '../protocol/types.ts';
import { arbiter, type Disk, scratch } from './program.fixture.ts';

const NODES = ['--nodes', 'server-1,server-2,server-3'];

function areaOn(disk: Disk, sectorBytes = 512, slots = 3): AreaReading {
  return decodeArea(disk.bytes(), sectorBytes, slots);
}

function clusterOf(area: AreaReading): string {
  assert.ok(area.header.kind === 'valid');
  return area.header.value.clusterId;
}

/** Makes server-2 the owner of the area on `disk`. */
function own(disk: Disk): string {
  const clusterId = clusterOf(areaOn(disk));
  const bytes = disk.bytes();
  const record = {
    status: 1,
    node: 'server-2',
    epoch: 7,
    incarnation: 'ab'.repeat(16),
    count: 5,
    successor: '',
    pause: null,
  } as const;
  bytes.set(encodeRecord(record, { clusterId, sectorBytes: 512 }), 512);
  disk.write(bytes);
  return clusterId;
}

describe('arbiter init', () => {
  const { disk, path, remove } = scratch();
  after(remove);

  it('lays out header, empty record and one slot per node, and says so', async () => {
    const device = disk('fresh', 65536);
    const { exitCode, stdout, stderr } = await arbiter('init', device.uri, ...NODES);
    const area = areaOn(device);
    assert.equal(stderr, '');
    assert.equal(exitCode, 0);
    assert.deepEqual(stdout.split('\n'), [
      `laid out a quorum area on ${device.uri}`,
      `  cluster  ${clusterOf(area)}`,
      '  sectors  5 of 512 bytes: header, ownership record, node slots',
      '  slots    0 server-1, 1 server-2, 2 server-3',
      '  timings  T 1000, M 5, S 1000, q 500, stop grace 1000; so D 5000, L 4250 (ms)',
    ]);
    assert.deepEqual(area.header.kind === 'valid' && area.header.value, {
      clusterId: clusterOf(area),
      sectorBytes: 512,
      slots: 3,
      mode: 'plain',
      timings: { intervalMs: 1000, misses: 5, settleMs: 1000, deadlineMs: 500, stopGraceMs: 1000 },
    });
    assert.equal(area.record.kind, 'null');
    assert.deepEqual(
      area.slots.map((slot) => slot.kind === 'valid' && slot.value),
      ['server-1', 'server-2', 'server-3'].map((node) => ({
        node,
        incarnation: '0'.repeat(32),
        counter: 0,
        role: 'none',
        epoch: 0,
      })),
    );
  });

  it('takes sector size, free slots and timings, and prints JSON', async () => {
    const device = disk('options', 65536);
    const { stdout } = await arbiter(
      ...[
        'init',
        device.uri,
        '--nodes',
        'a,b',
        '--slots',
        '4',
        '--sector',
        '4096',
        '--json',
        '--interval-ms',
        '400',
      ],
      ...['--misses', '6', '--settle-ms', '300', '--deadline-ms', '250', '--stop-grace-ms', '350'],
    );
    const area = areaOn(device, 4096, 4);
    assert.deepEqual(JSON.parse(stdout), {
      uri: device.uri,
      cluster: clusterOf(area),
      sectorBytes: 4096,
      slots: 4,
      mode: 'plain',
      timings: { intervalMs: 400, misses: 6, settleMs: 300, deadlineMs: 250, stopGraceMs: 350 },
      nodes: ['a', 'b'],
      destroyed: null,
    });
    assert.deepEqual(
      area.slots.map((slot) => slot.kind),
      ['valid', 'valid', 'null', 'null'],
    );
  });

  it('derives from T what is not said', async () => {
    const { stdout } = await arbiter('init', disk('derived', 4096).uri, ...NODES, '--interval-ms', '401');
    assert.match(stdout, /timings {2}T 401, M 5, S 401, q 201, stop grace 401; so D 2005, L 1704 \(ms\)/);
  });

  it('refuses an area that is in use, and says whose it is', async () => {
    const device = disk('used', 65536);
    await arbiter('init', device.uri, ...NODES);
    const clusterId = own(device);
    const before = device.bytes();
    assert.deepEqual(await arbiter('init', device.uri, ...NODES), {
      exitCode: 3,
      stdout: '',
      stderr:
        `arbiter: ${device.uri}: in use: the quorum area of cluster ${clusterId} (server-1, server-2, server-3), ` +
        'owner: server-2, epoch 7; --force would destroy it',
    });
    assert.deepEqual(device.bytes(), before);
  });

  it('destroys it with --force, names it, and leaves nothing of it behind', async () => {
    const device = disk('forced', 65536);
    await arbiter('init', device.uri, ...NODES, '--slots', '9');
    const clusterId = clusterOf(areaOn(device));
    const { exitCode, stdout } = await arbiter('init', device.uri, '--nodes', 'a,b', '--force');
    assert.equal(exitCode, 0);
    assert.equal(
      stdout.split('\n')[0],
      `destroyed: the quorum area of cluster ${clusterId} (server-1, server-2, server-3, -, -, -, -, -, -), ` +
        'owner: none; nobody has owned this area yet',
    );
    assert.notEqual(clusterOf(areaOn(device)), clusterId);
    assert.ok(
      device
        .bytes()
        .subarray(4 * 512)
        .every((byte) => byte === 0),
    );
  });

  it('changes the sector size with --force', async () => {
    const device = disk('resized', 65536);
    for (const sector of ['512', '4096', '512']) {
      const { exitCode } = await arbiter('init', device.uri, ...NODES, '--sector', sector, '--force');
      assert.equal(exitCode, 0);
      const area = areaOn(device, Number(sector));
      assert.deepEqual([area.header.kind, area.record.kind], ['valid', 'null']);
    }
    assert.ok(
      device
        .bytes()
        .subarray(5 * 512)
        .every((byte) => byte === 0),
    );
  });

  // prettier-ignore
  const NOT_EMPTY: readonly (readonly [string, (bytes: Uint8Array) => void, string])[] = [
    ['of something else',     (bytes) => bytes.set(Buffer.from('EFI PART'), 512),  'data of something else, from byte 512 on'],
    ['in its last byte',      (bytes) => bytes.set([1], 2559),                     'data of something else, from byte 2559 on'],
    ['with a torn header',    (bytes) => bytes.set(Buffer.from('ARBITERH'), 0),    'a quorum area with a header torn or corrupt: CRC32C 00000000, computed c4b0eaf5'],
    ['without a header',      (bytes) => bytes.set(Buffer.from('ARBITERN'), 1024), 'blocks of a quorum area from 1024 on, without a header'],
  ];
  for (const [what, put, told] of NOT_EMPTY) {
    it(`refuses data ${what}, and goes on with --force`, async () => {
      const bytes = new Uint8Array(65536);
      put(bytes);
      const device = disk('other', bytes);
      const refused = await arbiter('init', device.uri, ...NODES);
      assert.deepEqual(refused, {
        exitCode: 3,
        stdout: '',
        stderr: `arbiter: ${device.uri}: in use: ${told}; --force would destroy it`,
      });
      assert.deepEqual(device.bytes(), Buffer.from(bytes));
      const forced = await arbiter('init', device.uri, ...NODES, '--force');
      assert.deepEqual([forced.exitCode, forced.stdout.split('\n')[0]], [0, `destroyed: ${told}`]);
      assert.deepEqual([areaOn(device).header.kind, areaOn(device).record.kind], ['valid', 'null']);
    });
  }

  it('does not mind what lies behind the area', async () => {
    const bytes = new Uint8Array(4096).fill(7, 2560);
    const device = disk('behind', bytes);
    assert.equal((await arbiter('init', device.uri, ...NODES)).exitCode, 0);
    assert.deepEqual(device.bytes().subarray(2560), Buffer.from(bytes.subarray(2560)));
  });

  it('names the numbers of an export that is too small', async () => {
    const device = disk('small', 2048);
    assert.deepEqual(await arbiter('init', device.uri, ...NODES), {
      exitCode: 3,
      stdout: '',
      stderr: `arbiter: ${device.uri}: too small: an area of 3 slots in sectors of 512 bytes needs 2560 bytes, the export has 2048`,
    });
  });

  it('takes an export whose size is no multiple of a sector', async () => {
    assert.equal((await arbiter('init', disk('odd', 3000).uri, ...NODES)).exitCode, 0);
  });

  it('ends with 3 and one line when there is no such disk', async () => {
    const { exitCode, stdout, stderr } = await arbiter('init', `file://${path('none')}`, ...NODES);
    assert.deepEqual([exitCode, stdout], [3, '']);
    assert.match(stderr, /^arbiter: [^\n]*none[^\n]*$/);
  });

  it('refuses timings that break a relation, one line each, before it opens anything', async () => {
    const { exitCode, stderr } = await arbiter(
      ...['init', `file://${path('none')}`, ...NODES, '--misses', '2', '--settle-ms', '9000'],
    );
    assert.equal(exitCode, 64);
    assert.equal(stderr.split('\n').length, 3, stderr);
    for (const line of stderr.split('\n')) assert.match(line, /^arbiter: timings: .*\d/);
  });

  // prettier-ignore
  const WRONG: readonly (readonly [readonly string[], string])[] = [
    [[],                              "required option '--nodes <names>' not specified"],
    [['--nodes', 'a,B'],              "option '--nodes <names>' argument 'a,B' is invalid. 'B': a node name has 1 to 31 lower-case letters, digits and hyphens, the first one not a hyphen"],
    [['--nodes', 'a,b,a'],            "option '--nodes <names>' argument 'a,b,a' is invalid. 'a' is there twice; every node has one slot"],
    [['--nodes', 'a,b', '--slots', '1'], '--slots 1: 2 nodes need a slot each'],
    [['--nodes', 'a,b', '--slots', '65'], '--slots 65: at most 64'],
    [['--nodes', 'a,b', '--sector', '1024'], "option '--sector <bytes>' argument '1024' is invalid. It must be 512 or 4096."],
    [['--nodes', 'a,b', '--misses', '5s'], "option '--misses <number>' argument '5s' is invalid. It must be a whole number from 1 to 4294967295."],
  ];
  for (const [argv, told] of WRONG) {
    it(`answers one line and 64 to: ${argv.join(' ') || 'no nodes'}`, async () => {
      const device = disk('wrong', 65536);
      assert.deepEqual(await arbiter('init', device.uri, ...argv), {
        exitCode: 64,
        stdout: '',
        stderr: `arbiter: ${told}`,
      });
      assert.ok(device.bytes().every((byte) => byte === 0));
    });
  }
});
