import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { needs } from '../block/nbd/servers.fixture.ts';
import { dataName, owned, QUORUM_BYTES } from './gate.fixture.ts';
import { OWNER, stock, StockGate } from './stock-client.fixture.ts';

const MIB = 1024 * 1024;

describe('the gate and libnbd’s clients', function () {
  this.timeout(60_000);
  before(async function () {
    await needs(this, 'nbdinfo', 'libnbd-bin');
    await needs(this, 'nbdcopy', 'libnbd-bin');
  });

  for (const transport of ['tcp', 'unix'] as const) {
    it(`nbdinfo sees sizes, what is offered and the block sizes, over ${transport}`, async () => {
      await using served = await StockGate.start(2 * MIB);
      for (const [name, sizeBytes] of [
        ['quorum', QUORUM_BYTES],
        [OWNER, 2 * MIB],
      ] as const) {
        const { code, stdout } = await stock('nbdinfo', ['--json', served.uri(transport, name)]);
        assert.equal(code, 0);
        const told = JSON.parse(stdout) as { protocol: string; exports: Record<string, unknown>[] };
        assert.equal(told.protocol, 'newstyle-fixed');
        const [about] = told.exports;
        assert.deepEqual(pick(about!, SHOWN), {
          'export-name': name,
          'export-size': sizeBytes,
          ...{ is_read_only: false, can_flush: true, can_fua: true, can_multi_conn: true },
          ...{ can_trim: false, can_zero: false, can_cache: false },
          ...{ block_size_minimum: 512, block_size_preferred: 4096, block_size_maximum: 32 * MIB },
        });
      }
    });

    it(`nbdcopy brings a large image in and out over several connections, over ${transport}`, async () => {
      // nbdcopy gives each of its threads 128 MiB at a time, so a smaller image would use one connection only.
      const bytes = 3 * 128 * MIB;
      await using served = await StockGate.start(bytes);
      const image = served.file('image');
      layImage(image, bytes);
      const both = ['--threads=3', '--connections=3', '--flush'];
      const uri = served.uri(transport, OWNER);
      const into = await stock('nbdcopy', [...both, '--destination-is-zero', image, uri]);
      assert.deepEqual(into, { code: 0, stdout: '', stderr: '' });
      await assertSame(image, served.dir.data);
      const connected = served.gate.audit.all('connected').filter((each) => each.export === OWNER);
      assert.equal(connected.length, 3);

      const back = served.file('back');
      assert.deepEqual(await stock('nbdcopy', [...both, uri, back]), { code: 0, stdout: '', stderr: '' });
      await assertSame(image, back);
    });
  }

  it('nbdinfo lists the quorum area and no data name, whoever was let in', async () => {
    await using served = await StockGate.start(MIB);
    await served.gate.into(OWNER);
    const { stdout } = await stock('nbdinfo', ['--list', '--json', served.uri('tcp', '')]);
    const { exports } = JSON.parse(stdout) as { exports: Record<string, unknown>[] };
    assert.deepEqual(
      exports.map((each) => each['export-name']),
      ['quorum'],
    );
  });

  it('nbdinfo is told why a data name is refused, and the last granted epoch', async () => {
    await using served = await StockGate.start(MIB);
    await served.gate.own(owned('b', 7));
    const asked = served.uri('tcp', OWNER);
    const { code, stdout, stderr } = await stock('nbdinfo', [asked], { LIBNBD_DEBUG: '1' });
    assert.equal(code, 1);
    assert.doesNotMatch(stdout, /export-size/);
    // libnbd shows the text of a server in its debug output alone.
    assert.match(
      stderr,
      /server error message: data@a\.5\.aaaaaaaa refused \(epoch 5 is over\): last granted epoch 7/,
    );
    assert.equal(
      (await stock('nbdinfo', ['--size', served.uri('tcp', dataName('b', 7))])).stdout,
      `${MIB}\n`,
    );
  });

  it('nbdcopy cannot copy what is no whole number of sectors, and nothing of it is written', async () => {
    await using served = await StockGate.start(MIB);
    const image = served.file('image');
    writeFileSync(image, randomBytes(1000));
    const { code, stderr } = await stock('nbdcopy', [image, served.uri('tcp', OWNER)]);
    assert.equal(code, 1);
    assert.match(stderr, /unaligned: Invalid argument/);
    assert.deepEqual(served.gate.audit.all('write'), []);
    truncateSync(image, 1024);
    assert.equal((await stock('nbdcopy', [image, served.uri('tcp', OWNER)])).code, 0);
    assert.ok(readFileSync(served.dir.data).subarray(0, 1024).equals(readFileSync(image)));
  });
});

const SHOWN = [
  ...['export-name', 'export-size', 'is_read_only', 'can_flush', 'can_fua', 'can_multi_conn', 'can_trim'],
  ...['can_zero', 'can_cache', 'block_size_minimum', 'block_size_preferred', 'block_size_maximum'],
];

function pick(from: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, from[key]]));
}

/** A sparse image with random bytes around the borders of what nbdcopy's threads take, and at both ends. */
function layImage(path: string, bytes: number): void {
  writeFileSync(path, '');
  truncateSync(path, bytes);
  const fd = openSync(path, 'r+');
  for (const at of [0, 128 * MIB - MIB, 256 * MIB - MIB, 300 * MIB, bytes - 2 * MIB])
    writeSync(fd, randomBytes(2 * MIB), 0, 2 * MIB, at);
  closeSync(fd);
}

/** Byte for byte, by a judge that is not of this project. */
async function assertSame(one: string, other: string): Promise<void> {
  assert.equal(statSync(one).size, statSync(other).size);
  assert.deepEqual(await stock('cmp', [one, other]), { code: 0, stdout: '', stderr: '' });
}
