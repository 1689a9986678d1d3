import assert from 'node:assert/strict';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { needs } from '../block/nbd/servers.fixture.ts';
import { type Disk, SyncedDisk } from './disk.ts';
import { FileMedium } from './file-medium.ts';
import { dataName, owned } from './gate.fixture.ts';
import { OWNER, stock, StockClient, StockGate } from './stock-client.fixture.ts';

const MIB = 1024 * 1024;

/** A disk that tells what it was asked, beside reads. */
function telling(disk: Disk, told: string[]): Disk {
  return {
    sizeBytes: disk.sizeBytes,
    read: (offset, into) => disk.read(offset, into),
    write: (offset, bytes, durably) => {
      told.push(`${durably ? 'durable write' : 'write'} of ${bytes.length} at ${offset}`);
      return disk.write(offset, bytes, durably);
    },
    flush: () => {
      told.push('flush');
      return disk.flush();
    },
  };
}

/** qemu-io, which writes through its own cache only when it is told to. */
function qemuIo(uri: string, ...commands: readonly string[]): ReturnType<typeof stock> {
  return stock('qemu-io', [
    ...['-t', 'writeback', '-f', 'raw'],
    ...commands.flatMap((each) => ['-c', each]),
    uri,
  ]);
}

describe('the gate and QEMU’s clients', function () {
  this.timeout(60_000);
  before(async function () {
    await needs(this, 'qemu-io', 'qemu-utils');
    await needs(this, 'qemu-img', 'qemu-utils');
  });

  for (const transport of ['tcp', 'unix'] as const) {
    it(`qemu-io: patterns are where they were written, FUA and flush reach the disk, over ${transport}`, async () => {
      const told: string[] = [];
      await using served = await StockGate.start(MIB, { throughDisk: (disk) => telling(disk, told) });
      await served.gate.audit.line('drained');
      told.length = 0;
      const uri = served.uri(transport, OWNER);
      const { code, stdout } = await qemuIo(
        uri,
        ...['write -P 0xab 0 64k', 'write -f -P 0xcd 64k 4k', 'flush'],
        ...['read -P 0xab 0 64k', 'read -P 0xcd 64k 4k', 'read -P 0 68k 4k'],
      );
      assert.equal(code, 0, stdout);
      assert.deepEqual(told.slice(0, 3), ['write of 65536 at 0', 'durable write of 4096 at 65536', 'flush']);
      assert.deepEqual(
        served.gate.audit.all('write').map(({ offset, length, fua }) => [offset, length, fua]),
        [
          [0, 65536, false],
          [65536, 4096, true],
        ],
      );
      const disk = readFileSync(served.dir.data);
      assert.ok(disk.subarray(0, 65536).equals(Buffer.alloc(65536, 0xab)));
      assert.ok(disk.subarray(65536, 69632).equals(Buffer.alloc(4096, 0xcd)));
      assert.equal((await qemuIo(uri, 'read -P 0xab 65535 2')).code, 1, 'qemu-io sees a wrong pattern');
    });
  }

  it('qemu-io: what one client wrote the other reads at once, over whichever connection', async () => {
    await using served = await StockGate.start(MIB);
    const open = (transport: 'tcp' | 'unix'): StockClient =>
      new StockClient('qemu-io', ['-t', 'writeback', '-f', 'raw', served.uri(transport, OWNER)]);
    await using one = open('tcp');
    await using other = open('unix');
    for (const fill of [1, 2, 3]) {
      assert.match(await one.type(`write -P ${fill} 4k 4k`, /ops.*\n/), /wrote 4096/);
      assert.doesNotMatch(await other.type(`read -P ${fill} 4k 4k`, /ops.*\n/), /failed/);
      assert.match(await other.type(`write -P ${fill} 8k 4k`, /ops.*\n/), /wrote 4096/);
      assert.doesNotMatch(await one.type(`read -P ${fill} 8k 4k`, /ops.*\n/), /failed/);
    }
  });

  it('qemu-io: bytes within sectors change nothing around them, and whole sectors come to the disk', async () => {
    await using served = await StockGate.start(MIB);
    writeFileSync(served.dir.data, Buffer.alloc(MIB, 0x77));
    assert.equal((await qemuIo(served.uri('tcp', OWNER), 'write -P 0x11 1000 50')).code, 0);
    const disk = readFileSync(served.dir.data);
    assert.ok(disk.equals(Buffer.alloc(MIB, 0x77).fill(0x11, 1000, 1050)));
    const sectors = served.gate.audit.all('write');
    assert.ok(sectors.length > 0);
    for (const { offset, length } of sectors) assert.deepEqual([offset % 512, length % 512], [0, 0]);
  });

  it('qemu-img sees the size, and compares the export with a file', async () => {
    await using served = await StockGate.start(2 * MIB);
    const uri = served.uri('unix', OWNER);
    const { stdout } = await stock('qemu-img', ['info', '--output=json', '-f', 'raw', uri]);
    assert.equal((JSON.parse(stdout) as Record<string, unknown>)['virtual-size'], 2 * MIB);
    const copy = served.file('copy');
    writeFileSync(copy, Buffer.alloc(2 * MIB));
    const compare = ['compare', '-f', 'raw', '-F', 'raw', uri, copy];
    assert.equal((await stock('qemu-img', compare)).stdout, 'Images are identical.\n');
    await qemuIo(uri, 'write -P 1 1M 512');
    const { code, stdout: differs } = await stock('qemu-img', compare);
    assert.deepEqual([code, differs], [1, `Content mismatch at offset ${MIB}!\n`]);
  });

  it('shows people why a data name is refused, and the last granted epoch', async () => {
    await using served = await StockGate.start(MIB);
    await served.gate.own(owned('b', 7));
    const { code, stderr } = await stock('qemu-img', ['info', served.uri('tcp', OWNER)]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^server reported: data@a\.5\.aaaaaaaa refused \(epoch 5 is over\): last granted epoch 7$/m,
    );
  });

  it('qemu-io: a former owner in the middle of its work writes nothing any more', async () => {
    await using served = await StockGate.start(MIB);
    await using former = new StockClient('qemu-io', ['-f', 'raw', served.uri('tcp', OWNER)]);
    assert.match(await former.type('write -P 1 0 4k', /ops.*\n|failed/), /wrote 4096/);
    await served.gate.own(owned('b', 7));
    await served.gate.audit.line('grant', ({ epoch }) => epoch === 7);
    assert.match(await former.type('write -P 2 0 4k', /ops.*\n|failed.*\n/), /write failed: /);
    const uri = served.uri('tcp', dataName('b', 7));
    assert.equal((await qemuIo(uri, 'read -P 1 0 4k')).code, 0);
    assert.equal(served.gate.audit.all('write').length, 1);
  });

  it('qemu-io: is told that the disk is full', async () => {
    const full = ({ sizeBytes }: Disk): Disk =>
      new SyncedDisk(new FileMedium({ fd: openSync('/dev/full', 'r+'), path: '/dev/full', sizeBytes }));
    await using served = await StockGate.start(MIB, { throughDisk: full });
    const { code, stdout, stderr } = await qemuIo(served.uri('tcp', OWNER), 'write -P 1 0 4k');
    assert.equal(code, 1);
    assert.match(stdout + stderr, /write failed: No space left on device/);
    assert.deepEqual(
      served.gate.audit.all('write').map(({ outcome }) => outcome),
      ['ENOSPC'],
    );
  });

  it('qemu-io: cannot open for writing what is there for reading alone', async () => {
    await using served = await StockGate.start(MIB, { readOnly: true, fencing: false });
    const uri = served.uri('tcp', OWNER);
    assert.match((await qemuIo(uri, 'write -P 1 0 4k')).stderr, /read-only|Permission denied/);
    assert.equal((await stock('qemu-io', ['-r', '-f', 'raw', '-c', 'read -P 0 0 4k', uri])).code, 0);
    assert.ok(readFileSync(served.dir.data).equals(Buffer.alloc(MIB)));
  });
});
