import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { decodeRecord } from '../../area/record.ts';
import { CLUSTER, owned, recordSector, StorageDir } from '../gate.fixture.ts';
import { GateProcess } from '../gate-process.fixture.ts';
import { stopProcess } from '../nbdkit.fixture.ts';
import { needs } from './needs.fixture.ts';
import { DATA, QUORUM, RawInitiator } from './raw-initiator.fixture.ts';
import { keyOf, obtain } from './tap.fixture.ts';

/** How often the storage process is killed; more rounds search longer. */
const ROUNDS = Number(process.env['ARBITER_KILL_ROUNDS'] ?? 6);
const block = (fill: number): Buffer => Buffer.alloc(512, fill);

function start(dir: StorageDir, ...more: readonly string[]): GateProcess {
  const files = ['--quorum', dir.quorum, '--data', dir.data, '--state', dir.state];
  return new GateProcess(['--backend', 'tgt', '--listen', '127.0.0.1:0', ...files, ...more]);
}

async function into(storage: GateProcess, node: string, epoch: number): Promise<RawInitiator> {
  const { listen } = await storage.started();
  const alias = epoch === 0 ? 'quorum' : `data@${node}.${epoch}.aaaaaaaa`;
  const port = Number(listen.split(':')[1]);
  const initiator = await RawInitiator.into({ port, name: `iqn.2026-11.example.arbiter:${node}`, alias });
  await initiator.settle(QUORUM);
  await initiator.settle(DATA);
  return initiator;
}

/** The epoch in the record on the disk. */
function shown(dir: StorageDir): number {
  const reading = decodeRecord(readFileSync(dir.quorum).subarray(512, 1024), CLUSTER);
  assert.equal(reading.kind, 'valid');
  return reading.kind === 'valid' ? reading.value.epoch : 0;
}

/** False as well for one that nobody has reaped: it has nothing open any more. */
function runs(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('tgt: the storage process is killed', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
  });

  it(`${ROUNDS} times in the middle of a takeover: nobody but the owner in the record gets in afterwards`, async function () {
    this.timeout(ROUNDS * 20_000);
    using dir = new StorageDir(512, owned('a', 2));
    // A key of 0 would be none, and the epochs next to the owner's are tried, too.
    for (let epoch = 3; epoch < ROUNDS + 3; epoch++) {
      await using storage = start(dir);
      const quorum = await into(storage, 'a', 0);
      const owner = await into(storage, 'a', epoch);
      const takeover = quorum
        .write(QUORUM, 1, recordSector(owned('a', epoch)))
        .then(() => obtain(owner, epoch))
        .then(() => owner.write(DATA, 0, block(epoch)));
      const at = performance.now() + Math.random() * 12;
      while (performance.now() < at) await turn();
      await storage.kill('SIGKILL');
      await takeover;

      await using next = start(dir);
      // Not before: a tgtd that outlived the killed process may still have written, which is what the locks are for.
      await next.started();
      const inRecord = shown(dir);
      for (const other of [inRecord - 1, inRecord + 1]) {
        const stranger = await into(next, 'a', other);
        assert.deepEqual(await obtain(stranger, other), ['RESERVATION CONFLICT', 'RESERVATION CONFLICT']);
        assert.equal((await stranger.write(DATA, 1, block(1))).outcome, 'RESERVATION CONFLICT');
      }
      const rightful = await into(next, 'a', inRecord);
      assert.deepEqual(await obtain(rightful, inRecord), ['ok', 'ok']);
      assert.equal(await rightful.holder(), keyOf(inRecord));
      assert.equal((await rightful.write(DATA, 2, block(1))).outcome, 'ok');
      // As the next round's takeover needs it: the record is an owner's of the round.
      const writer = await into(next, 'a', 0);
      await writer.write(QUORUM, 1, recordSector(owned('a', epoch)));
      await next.kill('SIGKILL');
    }
  });

  it('its tgtd ends with it, and while it has not the next one does not serve', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using first = start(dir);
    await first.started();
    const { pid } = await first.audit.line('server-started');
    await stopProcess(pid);
    await first.kill('SIGKILL');
    await using next = start(dir);
    await next.started();
    assert.ok(!runs(pid));
  });

  it('two of them over the same files: the second one does not start', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using first = start(dir);
    await first.started();
    await using second = start(dir, '--lock-wait', '0');
    assert.equal((await second.exited).code, 3);
    assert.match(second.stderr, /is in use by another storage process$/m);
  });
});

describe('arbiter storage --backend tgt: what it is told', () => {
  const rows: readonly [argv: readonly string[], why: RegExp][] = [
    [['--tls-psk', 'keys'], /--tls-psk is for --backend file and nbdkit; iSCSI \(--backend tgt\) has CHAP/],
    [['--tls-certificates', 'pki'], /--tls-certificates is for --backend file and nbdkit/],
    [['--tls', 'require'], /--tls is for --backend file and nbdkit/],
    [
      ['--listen', 'unix:/run/x.sock'],
      /--listen unix:\/PATH is for --backend file and nbdkit; iSCSI .* goes over TCP/,
    ],
    [['--chap-user', 'a'], /--chap-user needs --chap-secret-file FILE/],
    [['--chap-secret-file', 'f'], /--chap-secret-file needs --chap-user NAME/],
    [
      ['--backend', 'file', '--chap-user', 'a'],
      /--chap-user is for --backend tgt; NBD \(--backend file\) has TLS/,
    ],
    [['--backend', 'nbdkit', '--chap-secret-file', 'f'], /--chap-secret-file is for --backend tgt/],
    [['--listen', 'nowhere:1:2'], /--listen 'nowhere:1:2' must be HOST:PORT or unix:\/PATH/],
  ];
  for (const [argv, why] of rows) {
    it(`${argv.join(' ')} is refused by its name`, async () => {
      using dir = new StorageDir(512);
      await using storage = start(dir, ...argv);
      assert.equal((await storage.exited).code, 64);
      assert.match(storage.stderr, new RegExp(`^arbiter: storage: ${why.source}`));
    });
  }
});
