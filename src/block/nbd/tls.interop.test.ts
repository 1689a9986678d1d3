import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { DeviceUnusable } from '../../ports/block-device.ts';
import { key, needsOpenssl, Pki } from '../../tls/pki.fixture.ts';
import type { TlsAccess } from '../uri-tls.ts';
import { NbdBlockDevice } from './device.ts';
import { freeAddress, needs, Scratch, startNbdkit, startQemuNbd } from './servers.fixture.ts';
import type { StockServer, Transport } from './servers.fixture.ts';

const long = 8000;

type Start = (scratch: Scratch, transport: Transport, tls: readonly string[]) => Promise<StockServer>;

interface Stock {
  program: string;
  debianPackage: string;
  start: Start;
  byKey: (pki: Pki) => readonly string[];
  byCertificate: (directory: string) => readonly string[];
  /** Arguments of a server without TLS. */
  plain: readonly string[];
}

const stocks: readonly Stock[] = [
  {
    program: 'nbdkit',
    debianPackage: 'nbdkit',
    start: async (scratch, transport, tls) =>
      startNbdkit(scratch, [...tls, 'memory', '1M'], await freeAddress(transport, scratch)),
    byKey: (pki) => ['--tls=require', `--tls-psk=${pki.file('keys.psk')}`],
    byCertificate: (directory) => ['--tls=require', `--tls-certificates=${directory}`, '--tls-verify-peer'],
    plain: ['--tls=off'],
  },
  {
    program: 'qemu-nbd',
    debianPackage: 'qemu-utils',
    start: async (scratch, transport, tls) => {
      await writeFile(scratch.file('image'), Buffer.alloc(1 << 20));
      const args = ['-f', 'raw', '-e', '3', '-x', '', ...tls, scratch.file('image')];
      return startQemuNbd(scratch, args, await freeAddress(transport, scratch));
    },
    byKey: (pki) => [
      '--object',
      `tls-creds-psk,id=tls,endpoint=server,dir=${pki.path}`,
      '--tls-creds',
      'tls',
    ],
    byCertificate: (directory) => [
      ...['--object', `tls-creds-x509,id=tls,endpoint=server,dir=${directory},verify-peer=yes`],
      ...['--tls-creds', 'tls'],
    ],
    plain: [],
  },
];

for (const { program, debianPackage, start, byKey, byCertificate, plain } of stocks) {
  describe(`the NBD block device and ${program} under TLS`, function () {
    this.timeout(30_000);
    let pki: Pki;
    before(async function () {
      await needs(this, program, debianPackage);
      needsOpenssl(this);
      pki = new Pki();
      pki.psk('keys.psk', { alpha: key(1), beta: key(2) });
    });
    after(() => pki?.[Symbol.dispose]());

    const psk = (identity = 'alpha', file = pki.file('keys.psk')): TlsAccess => ({
      kind: 'psk',
      file,
      identity,
    });
    const certificates = (directory: string): TlsAccess => ({
      kind: 'certificates',
      directory,
      hostname: 'localhost',
    });
    const open = ({ address }: StockServer, tls: TlsAccess): Promise<NbdBlockDevice> =>
      NbdBlockDevice.open({ ...address, tls }, '', long);

    for (const transport of ['tcp', 'unix'] as const) {
      it(`reads back what it wrote, by key and by certificate, over ${transport}`, async () => {
        for (const [args, tls] of [
          [byKey(pki), psk()],
          [byCertificate(pki.server()), certificates(pki.client())],
        ] as const) {
          await using scratch = await Scratch.make();
          await using server = await start(scratch, transport, args);
          await using device = await open(server, tls);
          const indexes = Array.from({ length: 32 }, (_, index) => index);
          const page = (index: number): Uint8Array => new Uint8Array(8192).fill(index + 1);
          await Promise.all(indexes.map((index) => device.writeDurably(index * 8192, page(index), long)));
          const bytes = await device.read(0, 32 * 8192, long);
          assert.deepEqual(Buffer.from(bytes), Buffer.concat(indexes.map(page)));
        }
      });
    }

    it('is refused in words, or told what a silent end may mean, for a wrong key or certificate', async () => {
      await using scratch = await Scratch.make();
      await using other = await Scratch.make();
      await using keyed = await start(scratch, 'unix', byKey(pki));
      const wrong = pki.psk('wrong.psk', { alpha: key(9), gamma: key(9) });
      for (const identity of ['alpha', 'gamma']) {
        await assert.rejects(open(keyed, psk(identity, wrong)), {
          message: new RegExp(`(has another|may not accept the|knows no) key of '${identity}'`),
        });
      }
      await using certified = await start(other, 'unix', byCertificate(pki.server()));
      for (const directory of [pki.client({ ca: 'other' }), pki.client(null)]) {
        await assert.rejects(open(certified, certificates(directory)), { message: /(does|may) not accept/ });
      }
      await assert.rejects(open(certified, certificates(pki.client({}, { trusts: 'other' }))), {
        message: /the server's certificate is not of the CA in ca-cert\.pem$/,
      });
    });

    it('does not talk to it in plain', async () => {
      await using scratch = await Scratch.make();
      await using server = await start(scratch, 'unix', plain);
      const opened = open(server, psk());
      await assert.rejects(opened, DeviceUnusable);
      await assert.rejects(opened, { message: /the server has no TLS, and nothing goes there in plain/ });
    });

    it('says that TLS is wanted when it comes in plain', async () => {
      await using scratch = await Scratch.make();
      await using server = await start(scratch, 'unix', byKey(pki));
      await assert.rejects(NbdBlockDevice.open(server.address, '', long), {
        message: /refused the export with NBD_REP_ERR_TLS_REQD/,
      });
    });
  });
}
