import assert from 'node:assert/strict';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs } from '../block/nbd/servers.fixture.ts';
import { DATA_BYTES, dataName, owned, StorageDir, TestGate } from './gate.fixture.ts';
import { isThere, openFilesOf, scripted, serverOf, stopProcess } from './nbdkit.fixture.ts';
import type { RawClient } from './raw-client.fixture.ts';
import type { StorageOptions } from './start.ts';

const block = (fill: number): Buffer => Buffer.alloc(512, fill);

function start(dir: StorageDir, options: Partial<StorageOptions> = {}): Promise<TestGate> {
  return TestGate.start(dir, { backend: 'nbdkit', ...options });
}

/** A gate over nbdkit whose data area is node a's with epoch 5. */
async function owner(dir: StorageDir, options: Partial<StorageOptions> = {}): Promise<[TestGate, RawClient]> {
  const gate = await start(dir, options);
  await gate.own(owned('a', 5));
  return [gate, await gate.into(dataName('a', 5))];
}

/** The story of the data area: servers, grants, admissions, writes. */
function story(gate: TestGate): string[] {
  return gate.audit.lines.flatMap((line) => {
    if ('area' in line && line.area === 'quorum') return [];
    if (line.event === 'write') return [`write ${line.epoch} ${line.outcome}`];
    if ('epoch' in line && line.event !== 'refused') return [`${line.event} ${line.epoch}`];
    return [];
  });
}

describe('the gate over nbdkit', function () {
  before(async function () {
    await needs(this, 'nbdkit', 'nbdkit');
  });

  it('serves both areas from it: many requests at a time, and the bytes are in the files', async () => {
    using dir = new StorageDir();
    const [gate, client] = await owner(dir);
    await using _ = gate;
    const many = Array.from({ length: 200 }, (_, i) => client.write(i * 512, block(i), { fua: i % 2 === 0 }));
    for (const { outcome } of await Promise.all(many)) assert.equal(outcome, 'ok');
    const back = await Promise.all(Array.from({ length: 200 }, (_, i) => client.read(i * 512, 512)));
    for (const [i, { data }] of back.entries()) assert.ok(data.equals(block(i)));
    assert.equal((await client.flush()).outcome, 'ok');
    for (let i = 0; i < 200; i++)
      assert.ok(
        readFileSync(dir.data)
          .subarray(i * 512, (i + 1) * 512)
          .equals(block(i)),
      );
    const big = Buffer.alloc(DATA_BYTES, 7);
    assert.equal((await client.write(0, big)).outcome, 'ok');
    assert.ok((await client.read(0, DATA_BYTES)).data.equals(big));
    const quorum = await gate.into('quorum');
    assert.ok((await quorum.read(0, 1024)).data.equals(readFileSync(dir.quorum).subarray(0, 1024)));
  });

  it('every owner has a process of its own, and is let in when that of the former one is reaped', async () => {
    using dir = new StorageDir();
    const [gate, former] = await owner(dir);
    await using _ = gate;
    const { pid } = await serverOf(gate.audit, 'data', 5);
    assert.equal((await former.write(0, block(1), { fua: true })).outcome, 'ok');
    await gate.own(owned('b', 7));
    const newcomer = await gate.into(dataName('b', 7));
    assert.equal(isThere(pid), false);
    assert.ok((await newcomer.read(0, 512)).data.equals(block(1)));
    assert.deepEqual(story(gate), [
      ...['grant 5', 'server-started 5', 'drained 5', 'admitted 5', 'write 5 ok'],
      ...['grant 7', 'server-ended 5', 'server-started 7', 'drained 7', 'admitted 7'],
    ]);
    const { code, signal, byItself, why } = await gate.audit.line('server-ended');
    assert.deepEqual([code, signal, byItself, why], [null, 'SIGKILL', false, 'epoch 7 was granted the area']);
  });

  it('a write that the former owner had under way ends with its process: unknown, before the newcomer is let in', async () => {
    using dir = new StorageDir();
    const [gate, former] = await owner(dir);
    await using _ = gate;
    await stopProcess((await serverOf(gate.audit, 'data', 5)).pid);
    const told = former.write(0, block(9), { fua: true });
    while (!JSON.stringify(gate.gate.status()).includes('"dataWritesUnderWay":1'))
      await gate.refusal('nobody');
    await gate.own(owned('b', 7));
    const newcomer = await gate.into(dataName('b', 7));
    assert.equal((await told).outcome, 'no answer');
    assert.ok((await newcomer.read(0, 512)).data.equals(block(0)));
    assert.deepEqual(story(gate).slice(4), [
      ...['grant 7', 'server-ended 5', 'write 5 unknown', 'server-started 7', 'drained 7', 'admitted 7'],
    ]);
    assert.equal((await gate.audit.line('drained', ({ epoch }) => epoch === 7)).writesAwaited, 1);
  });

  it('durability is asked for: a flush goes to it after every write with forced unit access, and with every flush', async () => {
    using dir = new StorageDir();
    const log = join(dir.path, 'log');
    const nbdkitProgram = scripted(dir, `exec nbdkit --filter=log "$@" logfile=${log} logappend=true`);
    const [gate, client] = await owner(dir, { nbdkitProgram });
    await using _ = gate;
    const lines = (): string[] =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => / (Write|Flush) /.test(line));
    const before = lines().length;
    for (const act of [
      () => client.write(0, block(1)),
      () => client.write(0, block(1), { fua: true }),
      () => client.flush(),
    ])
      assert.equal((await act()).outcome, 'ok');
    const seen = lines()
      .slice(before)
      .map((line) => /(Write|Flush) id/.exec(line)?.[1]);
    assert.deepEqual(seen, ['Write', 'Write', 'Flush', 'Flush']);
  });

  for (const error of ['EIO', 'ENOSPC', 'EPERM'] as const) {
    it(`its ${error} is the client's, and the connection lives`, async () => {
      using dir = new StorageDir();
      const flags = `error-pwrite=${error} error-pwrite-rate=100% error-pwrite-file=${join(dir.path, 'now')}`;
      const nbdkitProgram = scripted(dir, `exec nbdkit --filter=error "$@" ${flags}`);
      const [gate, client] = await owner(dir, { nbdkitProgram });
      await using _ = gate;
      writeFileSync(join(dir.path, 'now'), '');
      assert.equal((await client.write(0, block(1))).outcome, error);
      assert.equal((await client.write(0, block(1), { fua: true })).outcome, error);
      rmSync(join(dir.path, 'now'));
      assert.equal((await client.write(0, block(2), { fua: true })).outcome, 'ok');
      assert.ok((await client.read(0, 512)).data.equals(block(2)));
    });
  }

  it('for reading alone it is told so, and has the file open for reading alone', async () => {
    using dir = new StorageDir(512, owned('a', 5));
    await using gate = await start(dir, { readOnly: true });
    const client = await gate.into(dataName('a', 5));
    assert.equal((await client.write(0, block(1))).outcome, 'EPERM');
    assert.equal((await client.read(0, 512)).outcome, 'ok');
    const { pid } = await serverOf(gate.audit, 'data', 5);
    assert.ok(openFilesOf(pid).filter((path) => path === dir.data).length === 2);
    const flags = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    assert.ok(flags.includes('--readonly'));
  });

  it('ends with the gate, politely, and the audit says so', async () => {
    using dir = new StorageDir();
    const [gate] = await owner(dir);
    await gate.stop();
    const ended = gate.audit.all('server-ended');
    assert.deepEqual(
      ended.map(({ code, signal, byItself }) => [code, signal, byItself]),
      [
        [0, null, false],
        [0, null, false],
      ],
    );
    for (const { pid } of ended) assert.equal(isThere(pid), false);
    assert.equal(gate.audit.lines.at(-1)!.event, 'gate-stopped');
  });
});

describe('the gate over an nbdkit that does not start', () => {
  const refused = async (dir: StorageDir, nbdkitProgram: string): Promise<string> => {
    const starting = start(dir, { nbdkitProgram });
    return starting.then(
      async (gate) => (await gate.stop(), 'it started'),
      (error: Error) => error.message.replaceAll(dir.path, 'DIR'),
    );
  };

  it('says which package brings it where it is missing', async () => {
    using dir = new StorageDir();
    assert.equal(
      await refused(dir, 'nbdkit-that-nobody-has'),
      "storage: nbdkit over the quorum file DIR/quorum.img does not start: the program 'nbdkit' is missing; install the Debian package nbdkit",
    );
  });

  it('says what it said last, and leaves nothing behind', async () => {
    using dir = new StorageDir();
    const program = scripted(dir, 'echo nbdkit: error: no such plugin >&2; exit 1');
    const line =
      'storage: nbdkit over the quorum file DIR/quorum.img does not start: nbdkit: error: no such plugin';
    assert.equal(await refused(dir, program), line);
    await using _ = await TestGate.start(dir);
  });

  it('does not take another size, or another file, for the one that it locked', async function () {
    await needs(this, 'nbdkit', 'nbdkit');
    using dir = new StorageDir();
    const half = scripted(dir, 'exec nbdkit --filter=truncate "$@" truncate=4096');
    assert.match(await refused(dir, half), /does not start: it serves 4096 bytes of 65536$/);
    const swap = scripted(
      dir,
      `cp ${dir.quorum} ${dir.quorum}.new; mv ${dir.quorum}.new ${dir.quorum}; exec nbdkit "$@"`,
    );
    assert.match(await refused(dir, swap), /does not start: DIR\/quorum.img is another file by now$/);
  });

  it('between two owners: nobody is let in, people are told, and it goes on as soon as it starts again', async function () {
    await needs(this, 'nbdkit', 'nbdkit');
    using dir = new StorageDir();
    const broken = join(dir.path, 'broken');
    const nbdkitProgram = scripted(
      dir,
      `[ ! -e ${broken} ] || { echo out of order >&2; exit 1; }`,
      'exec nbdkit "$@"',
    );
    const [gate] = await owner(dir, { nbdkitProgram });
    await using _ = gate;
    renameSync(dir.control, broken);
    await gate.own(owned('b', 7));
    const newcomer = await gate.connect();
    const told = newcomer.go(dataName('b', 7));
    await gate.audit.line('server-ended', ({ epoch }) => epoch === 7);
    assert.match(await gate.refusal(dataName('a', 5)), /last granted epoch 7$/);
    assert.equal(gate.audit.all('admitted').length, 1);
    renameSync(broken, dir.control);
    assert.deepEqual(await told, { sizeBytes: DATA_BYTES });
    assert.equal(
      gate.troubles[0],
      'storage: nbdkit of the data area ended by itself with 1 (out of order): its clients are ended, and may ask again; another one is started',
    );
  });
});
