import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import {
  freeAddress,
  needs,
  Scratch as Folder,
  startNbdkit,
  startNbdServer,
  startQemuNbd,
} from '../block/nbd/servers.fixture.ts';
import { formatNbdUri } from '../block/uri-nbd.ts';
import { key, Pki } from '../tls/pki.fixture.ts';
import { owned, StorageDir, TestGate } from '../storage/gate.fixture.ts';
import { type Diagnosis, examine, type ExamineOptions } from './examine.ts';
import { Unfinished } from './unfinished.ts';

const last = { offsetBytes: 1024 * 1024 - 4096, lengthBytes: 4096 };

function options(changed: Partial<ExamineOptions> = {}): ExamineOptions {
  const signal = new AbortController().signal;
  const rest = {
    scratch: undefined,
    tryReservations: false,
    deadlineMs: 8000,
    signal,
    unfinished: new Unfinished(),
  };
  return { seconds: 0.05, ...rest, ...changed };
}

/** What is not as it should be. */
function ill({ findings }: Diagnosis): string[] {
  return findings.filter(({ state }) => state !== 'ok').map(({ thing, state }) => `${thing}: ${state}`);
}

function why({ findings }: Diagnosis, thing: string): string {
  return findings.find((each) => each.thing === thing)?.why ?? `no finding '${thing}'`;
}

describe('a doctor with stock NBD servers', function () {
  this.timeout(30_000);

  describe('nbdkit', () => {
    before(async function () {
      await needs(this, 'nbdkit', 'nbdkit');
    });

    async function diagnosed(
      args: readonly string[],
      changed: Partial<ExamineOptions> = {},
    ): Promise<Diagnosis> {
      await using folder = await Folder.make();
      const address = await freeAddress('unix', folder);
      await using _server = await startNbdkit(folder, args, address);
      return await examine(formatNbdUri(address, ''), options(changed));
    }

    it('finds nothing to say against it but that it is no gate', async () => {
      const found = await diagnosed(['memory', '1M'], { scratch: last });
      assert.deepEqual(ill(found), ['fencing: warning']);
      assert.match(why(found, 'late writes'), /^the client sends a request once and never again/);
      assert.match(why(found, 'second client'), /reads at once what the first one wrote/);
      assert.deepEqual([found.reads?.bytes, found.writes?.bytes], [2560, 512]);
      assert.deepEqual(found.scratch, last);
    });

    it('measures reads alone without consent, and says so', async () => {
      const found = await diagnosed(['memory', '1M']);
      assert.deepEqual(ill(found), ['fencing: warning', 'writes: untried']);
      assert.deepEqual([found.writes, found.scratch], [undefined, undefined]);
    });

    it('writes nothing without consent, and with it nowhere but there, as the server logs it', async () => {
      for (const [scratch, writes] of [
        [undefined, false],
        [last, true],
      ] as const) {
        await using folder = await Folder.make();
        const address = await freeAddress('unix', folder);
        const args = ['--filter=log', 'memory', '1M', `logfile=${folder.file('log')}`];
        await using _server = await startNbdkit(folder, args, address);
        await examine(formatNbdUri(address, ''), options({ scratch }));
        const log = readFileSync(folder.file('log'), 'utf8');
        assert.match(log, / Read id=/);
        const offsets = [...log.matchAll(/ (?:Write|Zero|Trim|Cache|Flush) id=\d+ offset=0x([0-9a-f]+)/g)];
        assert.equal(offsets.length > 0, writes);
        for (const [, at] of offsets) assert.ok(Number(`0x${at}`) >= last.offsetBytes, at);
      }
    });

    it('takes a flush after each write where there is no forced unit access', async () => {
      const found = await diagnosed(['--filter=fua', 'memory', '1M'], { scratch: last });
      assert.match(why(found, 'durability'), /a flush follows every write/);
      assert.deepEqual(ill(found), ['fencing: warning']);
    });

    it('warns of a server that promises no shared cache', async () => {
      const args = ['--filter=multi-conn', 'memory', '1M', 'multi-conn-mode=disable'];
      assert.deepEqual(ill(await diagnosed(args, { scratch: last })), [
        'shared cache: warning',
        'fencing: warning',
      ]);
    });

    it('has a problem with a read-only export', async () => {
      const found = await diagnosed(['-r', 'memory', '1M']);
      assert.deepEqual(ill(found), ['writable: problem', 'fencing: warning', 'writes: untried']);
      await assert.rejects(diagnosed(['-r', 'memory', '1M'], { scratch: last }), {
        message: /--scratch .*: the storage is read-only/,
      });
    });

    it('has a problem with an export that is too small, and with large sectors', async () => {
      assert.deepEqual(ill(await diagnosed(['memory', '1024'])), ['size: problem']);
      const policy = ['--filter=blocksize-policy', 'blocksize-minimum=8192', 'blocksize-preferred=8192'];
      const found = await diagnosed(['memory', '1M', ...policy]);
      assert.match(why(found, 'size'), /sectors of 512 or 4096/);
    });

    it('chooses timings by what a slow server takes', async () => {
      const slow = await diagnosed(['--filter=delay', 'memory', '1M', 'rdelay=300ms'], { seconds: 0.1 });
      assert.ok(slow.reads!.p50 >= 300, `${slow.reads!.p50}`);
      assert.ok(slow.fitting!.deadlineMs >= 900, `${slow.fitting!.deadlineMs}`);
    });

    it('has a problem with a server that fails reads, or writes', async () => {
      const failing = ['--filter=error', 'memory', '1M', 'error-rate=100%'];
      const reads = await diagnosed([...failing, 'error-pread=EIO', 'error-pread-rate=100%']);
      assert.deepEqual(ill(reads), ['reads: problem']);
      const writes = await diagnosed(
        ['--filter=error', 'memory', '1M', 'error-pwrite=EIO', 'error-pwrite-rate=100%'],
        {
          scratch: last,
        },
      );
      assert.deepEqual(
        ill(writes).filter((each) => each.endsWith('problem')),
        ['writes: problem', 'scratch: problem'],
      );
      assert.match(why(writes, 'scratch'), /^bytes 1044480\+4096 may not be zero again/);
    });

    it('sees caches that are not shared by what a second client does not read', async () => {
      const temporary = await diagnosed(['tmpdisk', '1M', 'command=truncate -s 1M "$disk"'], {
        scratch: last,
      });
      assert.ok(ill(temporary).includes('second client: problem'), ill(temporary).join());
    });
  });

  it('has a problem with a qemu-nbd that serves one client at a time, and none when it serves several', async function () {
    await needs(this, 'qemu-nbd', 'qemu-utils');
    for (const [args, expected] of [
      [[], true],
      [['--shared=0'], false],
    ] as const) {
      await using folder = await Folder.make();
      await writeFile(folder.file('image'), new Uint8Array(1024 * 1024));
      const address = await freeAddress('unix', folder);
      await using _server = await startQemuNbd(folder, [...args, '-f', 'raw', folder.file('image')], address);
      const found = await examine(formatNbdUri(address, ''), options({ deadlineMs: 2000 }));
      assert.equal(ill(found).includes('second client: problem'), expected, ill(found).join());
    }
  });

  it('gets along with nbd-server', async function () {
    await needs(this, 'nbd-server', 'nbd-server');
    await using folder = await Folder.make();
    await writeFile(folder.file('image'), new Uint8Array(1024 * 1024));
    const address = {
      host: '127.0.0.1',
      port: ((await freeAddress('tcp', folder)) as { port: number }).port,
    };
    await using _server = await startNbdServer(folder, folder.file('image'), address, [
      'flush = true',
      'fua = true',
    ]);
    const found = await examine(
      formatNbdUri(address, 'quorum'),
      options({ deadlineMs: 2000, scratch: last }),
    );
    // In this mode it serves one client, and no other.
    assert.ok(ill(found).includes('second client: problem'), ill(found).join());
    assert.match(why(found, 'durability'), /forced unit access/);
    assert.ok(found.writes!.count > 0);
  });
});

describe('a doctor with the gate', function () {
  this.timeout(30_000);

  it('knows it, by the quorum area and by itself, with the epoch it granted last', async () => {
    using dir = new StorageDir(512);
    await using gate = await TestGate.start(dir);
    await gate.own(owned('alpha', 7));
    await gate.audit.line('drained');
    const before = readFileSync(dir.quorum);
    const data = readFileSync(dir.data);
    const found = await examine(gate.uri('quorum'), options());
    assert.deepEqual(ill(found), ['writes: untried']);
    assert.match(
      why(found, 'fencing'),
      /^a gate, last granted epoch 7; .*data: nbd:\/\/127\.0\.0\.1:\d+, fencing: gate$/,
    );
    assert.match(why(found, 'quorum area'), /owner alpha, epoch 7$/);
    const alone = await examine(`nbd://${gate.address}`, options());
    assert.deepEqual([ill(alone), why(alone, 'fencing')], [[], why(found, 'fencing')]);
    assert.deepEqual(readFileSync(dir.quorum), before);
    assert.deepEqual(readFileSync(dir.data), data);
  });

  it('writes into the scratch range of a quorum area in use, and leaves the area as it was', async () => {
    using dir = new StorageDir(512);
    await using gate = await TestGate.start(dir);
    await gate.own(owned('alpha', 7));
    const before = readFileSync(dir.quorum);
    const scratch = { offsetBytes: 32 * 1024, lengthBytes: 4096 };
    const found = await examine(gate.uri('quorum'), options({ scratch }));
    assert.deepEqual(ill(found), []);
    const written = gate.audit.all('quorum-write').map(({ offset }) => offset);
    assert.ok(written.length > 1);
    assert.ok(
      written.slice(1).every((at) => at >= scratch.offsetBytes),
      written.join(),
    );
    assert.deepEqual(readFileSync(dir.quorum), before);
    await assert.rejects(
      examine(gate.uri('quorum'), options({ scratch: { offsetBytes: 2048, lengthBytes: 512 } })),
      {
        exitCode: 64,
        message: /the first 2560 bytes are a quorum area's/,
      },
    );
  });

  it('knows it under TLS, whoever the client is to it', async () => {
    using dir = new StorageDir(512);
    using pki = new Pki();
    const file = pki.psk('keys.psk', { alpha: key(1), admin_1: key(2) });
    await using gate = await TestGate.start(dir, { tls: { mode: 'require', pskFile: file } });
    for (const [identity, fencing] of [
      ['alpha', /^a gate, nothing granted yet; in the agent's file: data: nbds:\/\/alpha@/],
      ['admin_1', /^a gate, nothing granted yet; it lets nodes in by their TLS identity$/],
    ] as const) {
      const found = await examine(
        `nbds://${identity}@${gate.address}/quorum?tls-psk-file=${file}`,
        options(),
      );
      assert.deepEqual([ill(found), why(found, 'encryption')], [['writes: untried'], 'TLS']);
      assert.match(why(found, 'fencing'), fencing);
    }
  });

  it('finds out that its fencing is off', async () => {
    using dir = new StorageDir(512);
    await using gate = await TestGate.start(dir, { fencing: false });
    const found = await examine(gate.uri('quorum'), options());
    assert.deepEqual(ill(found), ['fencing: problem', 'writes: untried']);
  });

  it('has a problem with a gate that serves for reading alone', async () => {
    using dir = new StorageDir(512);
    await using gate = await TestGate.start(dir, { readOnly: true });
    assert.deepEqual(ill(await examine(gate.uri('quorum'), options())), [
      'writable: problem',
      'writes: untried',
    ]);
  });

  it('is let into the data area of an owner as anybody, and not as a former one', async () => {
    using dir = new StorageDir(512);
    await using gate = await TestGate.start(dir);
    await gate.own(owned('alpha', 7));
    await assert.rejects(examine(gate.uri('data@alpha.6.aaaaaaaa'), options()), { name: 'DeviceUnusable' });
  });

  it('stops at once when it is interrupted, with the scratch range zeroed', async () => {
    using dir = new StorageDir(512);
    await using gate = await TestGate.start(dir);
    const before = readFileSync(dir.quorum);
    const abort = new AbortController();
    const unfinished = new Unfinished();
    const scratch = { offsetBytes: 32 * 1024, lengthBytes: 4096 };
    const examining = examine(
      gate.uri('quorum'),
      options({ seconds: 3600, scratch, signal: abort.signal, unfinished }),
    );
    await gate.audit.line('quorum-write');
    assert.equal(unfinished.any, true);
    abort.abort();
    await examining;
    assert.equal(unfinished.any, false);
    assert.deepEqual(readFileSync(dir.quorum), before);
  });
});
