import assert from 'node:assert/strict';
import { needs } from '../block/nbd/servers.fixture.ts';
import type { Disk } from './disk.ts';
import { OWNER, stock, StockGate } from './stock-client.fixture.ts';

const MIB = 1024 * 1024;
const JOBS = 3;
const BYTES = 8 * MIB;

interface Job {
  error: number;
  read: { io_bytes: number; total_ios: number };
  write: { io_bytes: number; total_ios: number };
}

/** Random writes at depth 16 by three jobs, each with its connection and its part of the area; all read back. */
async function verifiedBy(fio: string, uri: string): Promise<{ code: number | null; jobs: Job[] }> {
  const { code, stdout } = await stock(fio, [
    ...['--name=verified', '--ioengine=nbd', `--uri=${uri}`, '--rw=randwrite', '--bsrange=512-16k'],
    ...['--iodepth=16', `--size=${BYTES}`, `--numjobs=${JOBS}`, `--offset_increment=${BYTES}`, '--fsync=100'],
    ...['--verify=crc32c', '--do_verify=1', '--verify_fatal=1', '--verify_state_save=0'],
    ...['--output-format=json'],
  ]);
  // Its engine says that it is connected before the JSON begins.
  return { code, jobs: (JSON.parse(stdout.slice(stdout.indexOf('{\n'))) as { jobs: Job[] }).jobs };
}

describe('the gate and fio', function () {
  this.timeout(60_000);
  before(async function () {
    await needs(this, 'fio', 'fio');
  });

  for (const transport of ['tcp', 'unix'] as const) {
    it(`every block of many connections at depth 16 is read back as it was written, over ${transport}`, async () => {
      await using served = await StockGate.start(JOBS * BYTES);
      const { code, jobs } = await verifiedBy('fio', served.uri(transport, OWNER));
      assert.equal(code, 0);
      assert.equal(jobs.length, JOBS);
      for (const { error, read, write } of jobs)
        assert.deepEqual([error, write.io_bytes, read.io_bytes], [0, BYTES, BYTES]);
      const writes = served.gate.audit.all('write');
      assert.equal(
        writes.length,
        jobs.reduce((sum, { write }) => sum + write.total_ios, 0),
      );
      assert.equal(new Set(writes.map(({ connection }) => connection)).size, JOBS);
      assert.ok(writes.every(({ outcome }) => outcome === 'ok'));
    });
  }

  it('it would see one byte that was lost', async () => {
    let writes = 0;
    const losing = (disk: Disk): Disk => ({
      sizeBytes: disk.sizeBytes,
      read: (offset, into) => disk.read(offset, into),
      flush: () => disk.flush(),
      write: (offset, bytes, durably) => {
        const kept = ++writes === 1000 ? bytes.with(300, bytes[300]! ^ 1) : bytes;
        return disk.write(offset, kept, durably);
      },
    });
    await using served = await StockGate.start(JOBS * BYTES, { throughDisk: losing });
    const { code, jobs } = await verifiedBy('fio', served.uri('tcp', OWNER));
    assert.equal(code, 1);
    assert.equal(jobs.filter(({ error }) => error !== 0).length, 1);
  });
});
