import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { acknowledgedKept } from '../checkers/acknowledged-kept.ts';
import { Story } from '../checkers/testing/story.ts';
import { scanLog } from './log-format.ts';
import { freePort, haveNbdkit, type Running, start, startNbdkit } from './testing/programs.ts';

const ok = (running: Running): number =>
  running.events.filter((event) => event.event === 'end' && event.outcome === 'ok').length;

describe('the programs of the workload', function () {
  this.timeout(20_000);
  let dir: string;
  let socket: string;
  let disk: string;
  const stack: AsyncDisposableStack[] = [];

  before(async function () {
    if (await haveNbdkit()) return;
    console.log('      skipped: no NBD server to test against (apt-get install nbdkit libnbd-bin)');
    this.skip();
  });
  beforeEach(async () => {
    stack.push(new AsyncDisposableStack());
    dir = await mkdtemp(join(tmpdir(), 'workload-'));
    socket = join(dir, 'nbd');
    disk = join(dir, 'data.img');
    await writeFile(disk, new Uint8Array(1024 * 1024));
  });
  afterEach(async () => {
    await stack.pop()?.disposeAsync();
    await rm(dir, { recursive: true });
  });

  const using = <R extends AsyncDisposable>(running: R): R => stack.at(-1)!.use(running);
  const nbdkit = async (name: string) => using(await startNbdkit(socket, disk, name));
  const nameOf = (node: string, epoch: number) => `data@${node}.${epoch}.aaaaaaaa`;

  /** A ledger over the nbdkit of this test, as an agent would start it. */
  function ledger(node: string, epoch: number, port: number, beatMs = 10_000): Running {
    const uri = `nbd+unix:///${nameOf(node, epoch)}?socket=${socket}`;
    const env = { ARBITER_DATA_URI: uri, ARBITER_NODE: node, ARBITER_EPOCH: String(epoch) };
    return using(start('ledger', ['--listen', `127.0.0.1:${port}`, '--beat-ms', String(beatMs)], env));
  }
  async function append(port: number, id: string): Promise<[number, unknown]> {
    const response = await fetch(`http://127.0.0.1:${port}/append`, {
      method: 'POST',
      body: JSON.stringify({ id }),
    });
    return [response.status, await response.json()];
  }
  async function status(port: number): Promise<[number, { seq?: number }]> {
    const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    return response === undefined ? [0, {}] : [response.status, (await response.json()) as { seq?: number }];
  }
  async function untilReady(port: number, ready = 200): Promise<void> {
    while ((await status(port))[0] !== ready) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const client = (port: number, ...more: string[]) => {
    const seed = ['--seed', '7', '--think-ms', '2', '--attempt-timeout-ms', '200'];
    return using(start('client', ['--servers', `server-1=127.0.0.1:${port}`, ...seed, ...more]));
  };

  it('keep a log that a next owner goes on with, and appends nothing twice', async () => {
    const port = await freePort();
    const first = await nbdkit(nameOf('server-1', 2));
    const one = ledger('server-1', 2, port);
    await untilReady(port);
    assert.deepEqual(await append(port, 'a'), [200, { seq: 1, node: 'server-1', epoch: 2 }]);
    assert.deepEqual(await append(port, 'bad id'), [
      400,
      { error: 'append {"id": "..."}: printable ASCII, 1 to 64 characters' },
    ]);
    one.signal('SIGTERM');
    assert.deepEqual([await one.exited, one.stderr], [0, '']);
    await first[Symbol.asyncDispose]();

    await nbdkit(nameOf('server-2', 3));
    ledger('server-2', 3, port);
    await untilReady(port);
    assert.deepEqual(await append(port, 'a'), [200, { seq: 1, node: 'server-2', epoch: 3 }]);
    assert.deepEqual(await append(port, 'b'), [200, { seq: 3, node: 'server-2', epoch: 3 }]);
    const { records } = scanLog(await readFile(disk));
    assert.deepEqual(
      records.map(({ kind, id, epoch }) => `${kind} ${id} ${epoch}`),
      ['open  2', 'append a 2', 'open  3', 'append b 3'],
    );
  });

  it('account for every append when the storage is killed under load and comes back', async () => {
    const port = await freePort();
    let storage = await nbdkit(nameOf('server-1', 2));
    const served = ledger('server-1', 2, port, 5);
    await untilReady(port);
    const running = client(port);
    for (const count of [30, 60, 90]) {
      await running.until((it) => ok(it) >= count);
      storage.signal('SIGKILL');
      await storage.exited;
      await untilReady(port, 503);
      storage = await nbdkit(nameOf('server-1', 2));
    }
    await running.until((it) => ok(it) >= 120);
    running.signal('SIGTERM');
    assert.equal(await running.exited, 0);
    assert.match(served.stderr, /^ledger: not ready: nbd\+unix:/);

    const story = new Story();
    const history = { ...story.history(), client: running.events, data: await readFile(disk) };
    const result = acknowledgedKept(history);
    assert.deepEqual(
      [result.verdict, result.counters['acknowledged']! >= 120],
      ['valid', true],
      result.evidence[0],
    );
  });

  it("end with 4 and one line when the export is somebody else's", async () => {
    const port = await freePort();
    const storage = await nbdkit(nameOf('server-1', 2));
    const fenced = ledger('server-1', 2, port);
    await untilReady(port);
    await storage[Symbol.asyncDispose]();
    await nbdkit(nameOf('server-2', 3));
    assert.equal(await fenced.exited, 4);
    assert.match(
      fenced.stderr,
      /^(ledger: not ready: .*\n)+fenced: nbd\+unix:.*NBD_REP_ERR_UNKNOWN.*\n$|fenced: .*\n$/,
    );
  });

  it('write again by themselves after a thaw', async () => {
    const port = await freePort();
    await nbdkit(nameOf('server-1', 2));
    const served = ledger('server-1', 2, port, 20);
    await untilReady(port);
    served.signal('SIGSTOP');
    await served.stopped();
    const records = async () => scanLog(await readFile(disk)).records.length;
    const before = await records();
    served.signal('SIGCONT');
    while ((await records()) === before) await status(port);
  });
});

describe('the client', function () {
  this.timeout(20_000);

  it('refuses nothing it is not sure of: a server that never answers leaves appends unknown', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const port = (silent.address() as { port: number }).port;
    await using running = start('client', [
      ...['--servers', `a=127.0.0.1:${await freePort()},b=127.0.0.1:${port}`],
      ...['--workers', '1', '--attempt-timeout-ms', '30', '--op-timeout-ms', '100'],
    ]);
    await running.until((it) => it.lines.length >= 4);
    running.signal('SIGTERM');
    assert.equal(await running.exited, 0);
    const ends = running.events.filter((event) => event.event === 'end');
    assert.deepEqual([...new Set(ends.map((event) => event.event === 'end' && event.outcome))], ['unknown']);
    const last = running.events.at(-1)!;
    assert.deepEqual(last.event === 'client-stopped' && last.operations, ends.length);
    silent.closeAllConnections();
    silent.close();
  });

  it('knows that nothing was done where nobody listens', async () => {
    await using running = start('client', [
      ...[
        '--servers',
        `a=127.0.0.1:${await freePort()}`,
        '--workers',
        '2',
        '--seed',
        '9',
        '--op-timeout-ms',
        '60',
      ],
    ]);
    await running.until((it) => it.events.filter((event) => event.event === 'end').length >= 2);
    running.signal('SIGTERM');
    assert.equal(await running.exited, 0);
    const [started, ...events] = running.events;
    assert.deepEqual({ ...started, t: 0 }, { t: 0, event: 'client-started', workers: 2, servers: ['a'] });
    const end = events.find((event) => event.event === 'end')!;
    assert.equal(end.event === 'end' && end.outcome, 'refused');
    const ids = events
      .filter((event) => event.event === 'begin')
      .map((event) => event.event === 'begin' && event.id);
    assert.deepEqual(ids.slice(0, 2), ['9-0-0', '9-1-0']);
  });
});

describe('a program of the workload that is called wrongly', function () {
  this.timeout(20_000);
  const env = { ARBITER_DATA_URI: 'nbd://127.0.0.1/x', ARBITER_NODE: 'a', ARBITER_EPOCH: '1' };
  // prettier-ignore
  const rows: [string, string[], Record<string, string>, string][] = [
    ['ledger',   [],                                               env, 'ledger: --listen is needed'],
    ['ledger',   ['--listen', 'nowhere'],                          env, 'ledger: nowhere: ADDR:PORT is needed'],
    ['ledger',   ['--listen', '127.0.0.1:1', '--beat-ms', '0'],    env, 'ledger: --beat-ms 0: a whole number of at least 1 is needed'],
    ['ledger',   ['--listen', '127.0.0.1:1'],                      { ...env, ARBITER_NODE: '' }, 'ledger: ARBITER_NODE is not set; the agent that starts this sets it'],
    ['ledger',   ['--listen', '127.0.0.1:1'],                      { ...env, ARBITER_EPOCH: 'x' }, 'ledger: ARBITER_EPOCH=x: not an epoch'],
    ['ledger',   ['--listen', '127.0.0.1:1'],                      { ...env, ARBITER_DATA_URI: 'ftp://x/y' }, 'ledger: ftp://x/y: not nbd://HOST[:PORT]/EXPORT, nbds://NODE@HOST[:PORT]/EXPORT?tls-psk-file=/PATH or nbd+unix:///EXPORT?socket=/PATH'],
    ['client',   ['--servers', 'server-1'],                        {},  "client: --servers: 'server-1' is not NAME=HOST:PORT"],
    ['trespass', ['--uri', 'nbd://h', '--export', 'x', '--op', 'erase'], {}, 'trespass: --op erase: read or write'],
  ];
  for (const [program, args, environment, says] of rows) {
    it(`ends with 64: ${says}`, async () => {
      await using running = start(program, args, environment);
      assert.deepEqual([await running.exited, running.stderr, running.lines], [64, `${says}\n`, []]);
    });
  }

  it('ends with 3 when its port is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const port = (taken.address() as { port: number }).port;
    await using running = start('ledger', ['--listen', `127.0.0.1:${port}`], env);
    assert.equal(await running.exited, 3);
    assert.match(running.stderr, /^ledger: listen EADDRINUSE: address already in use 127\.0\.0\.1:\d+\n$/);
    taken.close();
  });
});
