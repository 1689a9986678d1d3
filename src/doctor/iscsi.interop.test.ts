import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { needsTgt, Tgt } from '../block/iscsi/tgt.fixture.ts';
import { IscsiUnit } from '../block/iscsi/unit.ts';
import { encodeHeader } from '../area/header.ts';
import { parseDeviceUri } from '../block/uri.ts';
import { StorageDir } from '../storage/gate.fixture.ts';
import { TestTap } from '../storage/tgt/tap.fixture.ts';
import { type Diagnosis, examine, type ExamineOptions } from './examine.ts';
import { judgeLogin } from './iscsi.ts';
import { Unfinished } from './unfinished.ts';

const within = 8000;

function options(changed: Partial<ExamineOptions> = {}): ExamineOptions {
  const signal = new AbortController().signal;
  const rest = { scratch: undefined, tryReservations: false, deadlineMs: within, signal };
  return { seconds: 0.05, ...rest, unfinished: new Unfinished(), ...changed };
}

function ill({ findings }: Diagnosis): string[] {
  return findings.filter(({ state }) => state !== 'ok').map(({ thing, state }) => `${thing}: ${state}`);
}

function why({ findings }: Diagnosis, thing: string): string {
  return findings.find((each) => each.thing === thing)?.why ?? `no finding '${thing}'`;
}

async function keysOf(tgt: Tgt, lun: number): Promise<readonly bigint[]> {
  await using unit = await IscsiUnit.open({ address: tgt.address(lun) }, within);
  await unit.describe(within);
  return (await unit.readKeys(within)).keys;
}

describe('a doctor with tgt', function () {
  this.timeout(30_000);
  before(async function () {
    await needsTgt(this);
  });

  it('finds a unit usable, and warns of the reservations that tgt forgets', async () => {
    await using tgt = await Tgt.start();
    const scratch = { offsetBytes: 1024 * 1024 - 4096, lengthBytes: 4096 };
    const found = await examine(tgt.uri(1), options({ scratch }));
    assert.deepEqual(ill(found), ['whole sectors: warning', 'fencing: warning']);
    assert.match(why(found, 'unit'), /^IET VIRTUAL-DISK 0001/);
    assert.match(why(found, 'fencing'), /nobody is registered; the target forgets/);
    assert.match(why(found, 'compare-write'), /^offered, by its own word.*; never tried/);
    assert.match(why(found, 'second client'), /reads at once what the first one wrote/);
    assert.match(why(found, 'late writes'), /^the client sends a request once/);
    assert.ok(found.reads!.count > 0 && found.writes!.count > 0);
    assert.ok(readFileSync(tgt.image(1)).every((byte) => byte === 0));
  });

  it('tries reservations with consent, and leaves none', async () => {
    await using tgt = await Tgt.start();
    const found = await examine(tgt.uri(1), options({ tryReservations: true }));
    assert.match(why(found, 'reservations'), /^tried with scratch keys: .*PREEMPT and LOGICAL UNIT RESET/);
    assert.deepEqual(ill(found), ['whole sectors: warning', 'fencing: warning', 'writes: untried']);
    assert.deepEqual(await keysOf(tgt, 1), []);
  });

  it('tries none without consent', async () => {
    await using tgt = await Tgt.start();
    const generation = async () => {
      await using unit = await IscsiUnit.open({ address: tgt.address(1) }, within);
      await unit.describe(within);
      return (await unit.readKeys(within)).generation;
    };
    const before = await generation();
    assert.match(why(await examine(tgt.uri(1), options()), 'reservations'), /^no finding/);
    assert.equal(await generation(), before);
  });

  it('judges a unit that its owner has reserved by what it tells, and never touches it', async () => {
    await using tgt = await Tgt.start();
    await using owner = await IscsiUnit.open({ address: tgt.address(1) }, within);
    const info = await owner.describe(within);
    const key = (1n << 48n) | 7n;
    await owner.registerKey(key, within);
    await assert.rejects(examine(tgt.uri(1), options({ tryReservations: true })), {
      exitCode: 3,
      message: /1 keys are registered with the unit: it is in use/,
    });
    await owner.reserve(key, 3, within);
    await assert.rejects(examine(tgt.uri(1), options({ tryReservations: true })), {
      exitCode: 3,
      message: /lets in its owner alone \(RESERVATION CONFLICT\): it is in use/,
    });
    const found = await examine(tgt.uri(1), options());
    assert.match(why(found, 'fencing'), /held under key 0x0001000000000007/);
    assert.match(why(found, 'reads'), /^not measured: RESERVATION CONFLICT/);
    assert.deepEqual((await owner.readKeys(within)).keys, [key]);
    await owner.read(info, 0, 512, within);
  });

  it('judges the units of a storage node with tgt behind it, the data unit closed to everybody', async () => {
    using dir = new StorageDir(512);
    await using tap = await TestTap.start(dir);
    const uri = (lun: number) => `iscsi://${tap.address}/iqn.2026-11.example.arbiter:storage/${lun}`;
    const before = readFileSync(dir.quorum);
    const quorum = await examine(uri(1), options());
    assert.match(why(quorum, 'quorum area'), /^cluster c1c1c1c1/);
    assert.ok(quorum.reads!.count > 0);
    const data = await examine(uri(2), options());
    assert.match(why(data, 'reads'), /^not measured: RESERVATION CONFLICT/);
    assert.match(why(data, 'fencing'), /nobody is registered/);
    assert.deepEqual(readFileSync(dir.quorum), before);
    assert.ok(readFileSync(dir.data).every((byte) => byte === 0));
  });

  it('takes no reservation where a quorum area is, nor where it cannot', async () => {
    await using tgt = await Tgt.start();
    const timings = { intervalMs: 1000, misses: 5, settleMs: 1000, deadlineMs: 500, stopGraceMs: 1000 };
    const area = { clusterId: 'c1'.repeat(16), sectorBytes: 512, slots: 2, mode: 'plain', timings } as const;
    const image = readFileSync(tgt.image(1));
    image.set(encodeHeader(area));
    writeFileSync(tgt.image(1), image);
    await assert.rejects(examine(tgt.uri(1), options({ tryReservations: true })), {
      exitCode: 3,
      message: /--try-reservations: a quorum area is there/,
    });
    await assert.rejects(examine(tgt.image(1), options({ tryReservations: true })), {
      exitCode: 64,
      message: /--try-reservations is for iSCSI and SCSI disks$/,
    });
  });

  it('has a problem with a write-protected unit', async () => {
    await using tgt = await Tgt.start({ units: [{ lun: 1, params: 'readonly=1' }] });
    assert.deepEqual(ill(await examine(tgt.uri(1), options())), [
      'writable: problem',
      'whole sectors: warning',
      'fencing: warning',
      'writes: untried',
    ]);
  });

  it('asks for sectors of 4096 bytes where blocks are such', async () => {
    await using tgt = await Tgt.start({ units: [{ lun: 1, blockBytes: 4096 }] });
    const found = await examine(tgt.uri(1), options());
    assert.match(why(found, 'size'), /in sectors of 4096 bytes/);
    assert.equal(found.reads?.bytes, 5 * 4096);
  });

  it('does not reach a unit that is not there, nor a target that is gone', async () => {
    await using tgt = await Tgt.start();
    await assert.rejects(examine(tgt.uri(7), options()), {
      name: 'DeviceUnusable',
      message: /has no unit 7/,
    });
    const uri = tgt.uri(1);
    await tgt.kill();
    await assert.rejects(examine(uri, options()), { code: 'ENOTCONN' });
  });
});

describe('the judgement of a login', () => {
  const state = (uri: string, environment = {}) => {
    const parsed = parseDeviceUri(uri);
    assert.equal(parsed.kind, 'iscsi');
    return parsed.kind === 'iscsi' ? judgeLogin(parsed.address, environment) : undefined;
  };
  const target = 'iqn.2026-11.example:a/1';

  it('warns where nobody has to prove who it is, but for within the machine', () => {
    assert.equal(state(`iscsi://san/${target}`)?.state, 'warning');
    assert.equal(state(`iscsi://127.0.0.1/${target}`)?.state, 'ok');
    assert.equal(state(`iscsi://u@san/${target}?chap-secret-file=/s`)?.why, 'CHAP');
    assert.equal(state(`iscsi://san/${target}`, { LIBISCSI_CHAP_USERNAME: 'u' })?.why, 'CHAP');
    const both = `iscsi://u@san/${target}?chap-secret-file=/s&target-user=t&target-secret-file=/t`;
    assert.equal(state(both)?.why, 'CHAP, both ways');
  });
});
