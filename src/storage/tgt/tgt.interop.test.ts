import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DATA_BYTES, owned, StorageDir } from '../gate.fixture.ts';
import { stock } from '../stock-client.fixture.ts';
import { needs } from './needs.fixture.ts';
import { DATA, QUORUM } from './raw-initiator.fixture.ts';
import { obtain, TestTap } from './tap.fixture.ts';

const USER = 'arbiter';
const SECRET = 'a-secret-of-the-test';
const TARGET = 'iqn.2026-11.example.arbiter:storage';

async function withChap(dir: StorageDir, fencing: boolean): Promise<TestTap> {
  const secretFile = join(dir.path, 'secret');
  writeFileSync(secretFile, SECRET, { mode: 0o600 });
  return TestTap.start(dir, { fencing, chap: { user: USER, secretFile } });
}

const environment = { LIBISCSI_CHAP_USERNAME: USER, LIBISCSI_CHAP_PASSWORD: SECRET };
const url = (tap: TestTap, lun: number, query = ''): string =>
  `iscsi://${USER}%${SECRET}@${tap.address}/${TARGET}/${lun}${query}`;

/** qemu has iSCSI in a module of its own. */
function needsQemuOverIscsi(context: Mocha.Context): void {
  needs(context, 'qemu-io', 'qemu-utils');
  const modules = ['/usr/lib/x86_64-linux-gnu/qemu', '/usr/lib/aarch64-linux-gnu/qemu'].filter(existsSync);
  if (modules.some((dir) => readdirSync(dir).includes('block-iscsi.so'))) return;
  console.log('        skipped: no iSCSI in qemu; apt-get install qemu-block-extra');
  context.skip();
}

describe('tgt: libiscsi’s programs through the tap', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
    needs(this, 'iscsi-ls', 'libiscsi-bin');
  });

  it('iscsi-ls finds the target where the tap is, and both units', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await withChap(dir, true);
    const { stdout, code } = await stock('iscsi-ls', ['-s', `iscsi://${tap.address}`], environment);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^Target:${TARGET} Portal:${tap.address},1$`, 'm'));
    assert.match(stdout, /^Lun:1 +Type:DIRECT_ACCESS/m);
    assert.match(stdout, /^Lun:2 +Type:DIRECT_ACCESS \(Size:1023k\)/m);
  });

  it('iscsi-inq reads the same names of a unit after every restart, and others for the other unit', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    const names = async (lun: number): Promise<string> => {
      await using tap = await withChap(dir, true);
      const pages = [];
      for (const page of ['128', '131']) {
        const { stdout } = await stock('iscsi-inq', ['-e', '1', '-c', page, url(tap, lun)]);
        pages.push(stdout);
      }
      return pages.join('');
    };
    const first = await names(DATA);
    assert.match(first, /Designator:\[ARBITER [0-9a-f]{16}0002/);
    assert.equal(await names(DATA), first);
    assert.notEqual(await names(QUORUM), first);
  });

  it('a wrong secret is refused as that', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await withChap(dir, true);
    const wrong = url(tap, DATA).replace(SECRET, 'something-else-entirely');
    const { stderr, code } = await stock('iscsi-inq', [wrong]);
    assert.notEqual(code, 0);
    assert.match(stderr, /Authentication failure/);
    assert.equal((await tap.audit.line('refused')).reason, 'login refused with status 0201');
  });
});

describe('tgt: qemu through the tap', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
    needsQemuOverIscsi(this);
  });

  for (const digest of ['none', 'crc32c']) {
    it(`qemu-io writes, reads back and flushes, header digest ${digest}`, async () => {
      using dir = new StorageDir(512, owned('a', 6));
      await using tap = await withChap(dir, false);
      const image = `driver=iscsi,transport=tcp,portal=${tap.address},target=${TARGET},lun=2,header-digest=${digest}`;
      const acts = [
        'write -P 7 64k 256k',
        'write -f -P 3 512 512',
        'flush',
        'read -P 7 64k 256k',
        'read -P 3 512 512',
      ];
      const account = `,user=${USER},password=${SECRET}`;
      const { stdout, stderr, code } = await stock('qemu-io', [
        '-t',
        'writeback',
        ...acts.flatMap((act) => ['-c', act]),
        '--image-opts',
        image + account,
      ]);
      assert.deepEqual([code, /Pattern verification failed/.test(stdout)], [0, false], stderr + stdout);
      const forced = tap.audit.all('write').filter(({ fua }) => fua);
      assert.deepEqual(
        forced.map(({ offset, length, outcome }) => [offset, length, outcome]),
        [[512, 512, 'ok']],
      );
      assert.equal(
        tap.audit.all('write').reduce((sum, { length }) => sum + length, 0),
        256 * 1024 + 512,
      );
    });
  }

  it('qemu-img sees a unit of the right size, and is not let in beside its owner', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const address = `iscsi://${tap.address}/${TARGET}/2`;
    const info = await stock('qemu-img', ['info', '--output=json', address]);
    assert.notEqual(info.code, 0, 'it reads the first block, which is refused');
    assert.match((await tap.audit.line('refused')).reason, /has to reserve it first$/);
    await obtain(await tap.owner('a', 6), 6);
    const beside = await stock('qemu-io', ['-f', 'raw', '-c', 'write -P 1 0 4k', address]);
    assert.match(beside.stdout + beside.stderr, /error|CONFLICT/i);
    assert.ok(tap.audit.all('write').every(({ export: name }) => name.startsWith('data@')));
    await using open = await openTo(dir);
    const { stdout } = await stock('qemu-img', [
      'info',
      '--output=json',
      `iscsi://${open.address}/${TARGET}/2`,
    ]);
    assert.equal((JSON.parse(stdout) as { 'virtual-size': number })['virtual-size'], DATA_BYTES);
  });
});

/** Without fencing, over copies of the files. */
async function openTo(dir: StorageDir): Promise<TestTap> {
  const copies = { quorumFile: `${dir.quorum}.open`, dataFile: `${dir.data}.open` };
  const sizes = { createQuorumBytes: 65536, createDataBytes: DATA_BYTES };
  const places = { stateDir: `${dir.state}.open`, controlSocket: `${dir.control}.open` };
  return TestTap.start(dir, { ...copies, ...sizes, ...places, fencing: false });
}
