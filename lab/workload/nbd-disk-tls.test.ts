import assert from 'node:assert/strict';
import { dataName, owned, recordSector, StorageDir, TestGate } from '../../src/storage/gate.fixture.ts';
import { key, Pki } from '../../src/tls/pki.fixture.ts';
import { exportAt } from './nbd-address.ts';
import { NbdDisk } from './nbd-disk.ts';

describe("the workload's disk over TLS", () => {
  let pki: Pki;
  let file: string;
  before(() => {
    pki = new Pki();
    file = pki.psk('keys.psk', { alpha: key(1), beta: key(2) });
  });
  after(() => pki[Symbol.dispose]());

  const uri = (gate: TestGate, node: string, name: string, keys = file): string =>
    exportAt(`nbds://${node}@${gate.address}?tls-psk-file=${encodeURIComponent(keys)}`, name);
  const startGate = (dir: StorageDir): Promise<TestGate> =>
    TestGate.start(dir, { tls: { mode: 'require', pskFile: file } });

  it('reads and writes as the node whose key it has, and the gate says who it was', async () => {
    using dir = new StorageDir();
    await using gate = await startGate(dir);
    const quorum = await NbdDisk.connect(uri(gate, 'beta', 'quorum'), 5000);
    await quorum.writeFua(512, recordSector(owned('alpha', 5)));
    const disk = await NbdDisk.connect(uri(gate, 'alpha', dataName('alpha', 5)), 5000);
    await disk.writeFua(4096, new Uint8Array(512).fill(7));
    assert.deepEqual([...(await disk.read(4096, 512))], Array(512).fill(7));
    disk.close();
    quorum.close();
    assert.deepEqual(
      gate.audit.all('connected').map(({ identity }) => identity),
      ['beta', 'alpha'],
    );
  });

  it("is refused another node's name", async () => {
    using dir = new StorageDir();
    await using gate = await startGate(dir);
    await assert.rejects(NbdDisk.connect(uri(gate, 'beta', dataName('alpha', 5)), 5000), {
      name: 'ExportRefused',
      message: /the TLS identity 'beta' is not the node 'alpha'$/,
    });
  });

  it('has no connection with another key, without a key, or to a gate without TLS', async () => {
    using dir = new StorageDir();
    const wrong = pki.psk('wrong.psk', { alpha: key(9) });
    {
      await using gate = await startGate(dir);
      await assert.rejects(NbdDisk.connect(uri(gate, 'alpha', 'quorum', wrong), 5000), {
        name: 'ConnectionLost',
      });
      await assert.rejects(NbdDisk.connect(uri(gate, 'gamma', 'quorum'), 5000), {
        name: 'ConnectionLost',
        message: /no key of 'gamma'/,
      });
      const plain = `nbd://${gate.address}/quorum`;
      await assert.rejects(NbdDisk.connect(plain, 5000), {
        name: 'ExportRefused',
        message: /TLS is required/,
      });
    }
    await using plain = await TestGate.start(dir);
    await assert.rejects(NbdDisk.connect(uri(plain, 'alpha', 'quorum'), 5000), {
      name: 'ConnectionLost',
      message: /the server has no TLS/,
    });
  });
});

describe('the URI of an export', () => {
  it('keeps what stands behind that of its server', () => {
    const name = 'data@a.1.00000000';
    assert.equal(exportAt('nbd://h:1', name), 'nbd://h:1/data%40a.1.00000000');
    assert.equal(exportAt('nbd://h:1/', name), 'nbd://h:1/data%40a.1.00000000');
    assert.equal(
      exportAt('nbds://a@h:1?tls-psk-file=%2Fk', name),
      'nbds://a@h:1/data%40a.1.00000000?tls-psk-file=%2Fk',
    );
  });
});
