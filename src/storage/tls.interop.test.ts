import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { needs } from '../block/nbd/servers.fixture.ts';
import { key, needsOpenssl, Pki } from '../tls/pki.fixture.ts';
import { dataName, owned, recordSector, StorageDir, TestGate } from './gate.fixture.ts';
import { stock } from './stock-client.fixture.ts';
import type { GateTlsOptions } from './tls.ts';

const OWNER = dataName('alpha', 5);

/** How alpha, or a stranger, comes in: as libnbd has it, and as QEMU does. */
interface Way {
  name: string;
  tls: (pki: Pki) => GateTlsOptions;
  /** Of a URI: the user, and the query. */
  libnbd: (pki: Pki, who: Who) => readonly [user: string, query: string];
  qemu: (pki: Pki, who: Who) => string;
}

type Who = 'alpha' | 'beta' | 'stranger';

const ways: readonly Way[] = [
  {
    name: 'a pre-shared key',
    tls: (pki) => ({ mode: 'require', pskFile: pki.psk('gate.psk', { alpha: key(1), beta: key(2) }) }),
    libnbd: (pki, who) => [`${who}@`, `tls-psk-file=${keysOf(pki)}/keys.psk`],
    qemu: (pki, who) => `tls-creds-psk,id=tls,endpoint=client,dir=${keysOf(pki)},username=${who}`,
  },
  {
    name: 'certificates',
    tls: (pki) => ({ mode: 'require', certificates: pki.server() }),
    libnbd: (pki, who) => ['', `tls-certificates=${certificatesOf(pki, who)}`],
    qemu: (pki, who) => `tls-creds-x509,id=tls,endpoint=client,dir=${certificatesOf(pki, who)}`,
  },
];

/** QEMU's name for the file is fixed. */
function keysOf(pki: Pki): string {
  pki.psk('keys.psk', { alpha: key(1), beta: key(2), stranger: key(3) });
  return pki.path;
}

function certificatesOf(pki: Pki, who: Who): string {
  return who === 'stranger' ? pki.client({ ca: 'other' }) : pki.client({ name: who });
}

for (const way of ways) {
  describe(`the gate and stock clients with ${way.name}`, function () {
    this.timeout(60_000);
    let pki: Pki;
    let dir: StorageDir;
    let gate: TestGate;
    before(async function () {
      await needs(this, 'nbdinfo', 'libnbd-bin');
      await needs(this, 'qemu-img', 'qemu-utils');
      needsOpenssl(this);
      pki = new Pki();
      dir = new StorageDir(512, owned('alpha', 5));
      gate = await TestGate.start(dir, { tls: way.tls(pki) });
      await gate.audit.line('drained', ({ epoch }) => epoch === 5);
    });
    after(async () => {
      await gate?.[Symbol.asyncDispose]();
      dir?.[Symbol.dispose]();
      pki?.[Symbol.dispose]();
    });

    const port = (): string => gate.address.split(':')[1]!;
    const uri = (who: Who, name: string): string => {
      const [user, query] = way.libnbd(pki, who);
      return `nbds://${user}localhost:${port()}/${name}?${query}`;
    };
    const image = (name: string): string =>
      `driver=nbd,host=localhost,port=${port()},export=${name},tls-creds=tls`;
    const qemu = (program: string, who: Who, command: readonly string[], name: string) =>
      stock(program, [
        ...command.slice(0, 1),
        '--object',
        way.qemu(pki, who),
        ...command.slice(1),
        image(name),
      ]);

    it('nbdinfo sees quorum and data area, and that there is TLS', async () => {
      for (const name of ['quorum', OWNER]) {
        const { code, stdout, stderr } = await stock('nbdinfo', ['--json', uri('alpha', name)]);
        assert.equal(code, 0, stderr);
        const told = JSON.parse(stdout) as { TLS: boolean; exports: Record<string, unknown>[] };
        assert.deepEqual([told.TLS, told.exports[0]!['export-name']], [true, name]);
      }
    });

    it('nbdcopy brings an image in and out', async () => {
      const [original, copy] = [pki.file('original'), pki.file('copy')];
      writeFileSync(original, randomBytes(1024 * 1024));
      const into = await stock('nbdcopy', ['--flush', original, uri('alpha', OWNER)]);
      assert.deepEqual(into, { code: 0, stdout: '', stderr: '' });
      assert.deepEqual(readFileSync(dir.data), readFileSync(original));
      assert.equal((await stock('nbdcopy', [uri('alpha', OWNER), copy])).code, 0);
      assert.deepEqual(readFileSync(copy), readFileSync(original));
    });

    it('qemu-img and qemu-io read and write', async () => {
      const info = await qemu('qemu-img', 'alpha', ['info', '--output=json', '--image-opts'], OWNER);
      assert.equal(info.code, 0, info.stderr);
      const io = ['-c', 'write -f -P 0xcd 64k 4k', '-c', 'read -P 0xcd 64k 4k'];
      const done = await stock('qemu-io', [
        ...['--object', way.qemu(pki, 'alpha'), ...io, '--image-opts', image(OWNER)],
      ]);
      assert.equal(done.code, 0, done.stdout + done.stderr);
      assert.ok(readFileSync(dir.data).subarray(65536, 69632).equals(Buffer.alloc(4096, 0xcd)));
    });

    it("a node that asks in another's name is told so, and a stranger gets nowhere", async () => {
      const other = await qemu('qemu-img', 'beta', ['info', '--image-opts'], OWNER);
      const reason = "the TLS identity 'beta' is not the node 'alpha'";
      assert.equal(other.code, 1);
      assert.match(other.stderr, new RegExp(`^server reported: ${OWNER} refused: ${reason}$`, 'm'));
      assert.equal((await stock('nbdinfo', ['--size', uri('beta', OWNER)])).code, 1);
      assert.equal((await stock('nbdinfo', ['--size', uri('beta', 'quorum')])).code, 0);
      for (const name of ['quorum', OWNER]) {
        assert.equal((await stock('nbdinfo', ['--size', uri('stranger', name)])).code, 1);
        assert.equal((await qemu('qemu-img', 'stranger', ['info', '--image-opts'], name)).code, 1);
      }
      const identities = gate.audit.all('connected').map(({ identity }) => identity);
      assert.deepEqual(new Set(identities), new Set(['alpha', 'beta']));
    });

    it('clients in plain are told that TLS is required', async () => {
      const { code, stderr } = await stock('qemu-img', ['info', gate.uri('quorum')]);
      assert.equal(code, 1);
      assert.match(stderr, /TLS is required here: NBD_OPT_STARTTLS comes first/);
    });

    it('whoever becomes owner gets the data area, and the former owner does not', async () => {
      const sector = pki.file('record');
      writeFileSync(sector, recordSector(owned('beta', 7)));
      const io = ['-c', `write -s ${sector} 512 512`, '--image-opts', image('quorum')];
      const wrote = await stock('qemu-io', ['-t', 'writeback', '--object', way.qemu(pki, 'beta'), ...io]);
      assert.equal(wrote.code, 0, wrote.stdout + wrote.stderr);
      await gate.audit.line('drained', ({ epoch }) => epoch === 7);
      assert.equal((await stock('nbdinfo', ['--size', uri('alpha', OWNER)])).code, 1);
      assert.equal((await stock('nbdinfo', ['--size', uri('beta', dataName('beta', 7))])).code, 0);
    });
  });
}
