import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeHeader } from '../../src/area/header.ts';
import { encodeRecord } from '../../src/area/record.ts';
import type { AuditLine } from '../../src/ports/audit.ts';
import { acknowledgedKept } from '../checkers/acknowledged-kept.ts';
import { singleWriter } from '../checkers/single-writer.ts';
import { standbysRefused } from '../checkers/standbys-refused.ts';
import { Story } from '../checkers/testing/story.ts';
import type { History } from '../history/events.ts';
import { loadHistory } from '../history/load.ts';
import { saveHistory } from '../history/write.ts';
import { NbdDisk } from './nbd-disk.ts';
import { arbiter, freePort, type Running, start, startGate } from './testing/programs.ts';

const SECTOR = 512;
const shortOf = (node: string, epoch: number) => `${node.at(-1)}${epoch}`.padEnd(8, 'a');
const nameOf = (node: string, epoch: number) => `data@${node}.${epoch}.${shortOf(node, epoch)}`;

describe("the workload over the project's own storage node", function () {
  this.timeout(30_000);
  let dir: string;
  let port: number;
  let uri: string;
  let stack: AsyncDisposableStack;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    dir = await mkdtemp(join(tmpdir(), 'workload-gate-'));
    port = await freePort();
    uri = `nbd://127.0.0.1:${port}`;
  });
  afterEach(async () => {
    await stack.disposeAsync();
    await rm(dir, { recursive: true });
  });

  async function gate(...flags: string[]): Promise<Running> {
    const gate = stack.use(await startGate(dir, port, ...flags));
    const init = arbiter(['init', `${uri}/quorum`, '--nodes', 'server-1,server-2']);
    assert.equal(await init.exited, 0, init.stderr);
    return gate;
  }

  /** Makes a server the owner in the record, without an agent. */
  async function owns(node: string, epoch: number): Promise<void> {
    const disk = await NbdDisk.connect(`${uri}/quorum`, 5000);
    const header = decodeHeader(await disk.read(0, SECTOR));
    assert.equal(header.kind, 'valid');
    const clusterId = header.kind === 'valid' ? header.value.clusterId : '';
    const incarnation = shortOf(node, epoch).padEnd(32, '0');
    const record = { status: 1, node, epoch, incarnation, count: epoch, successor: '', pause: null } as const;
    await disk.writeFua(SECTOR, encodeRecord(record, { clusterId, sectorBytes: SECTOR }));
    disk.close();
  }

  function ledger(node: string, epoch: number, servicePort: number): Running {
    const env = {
      ARBITER_DATA_URI: `${uri}/${nameOf(node, epoch)}`,
      ARBITER_NODE: node,
      ARBITER_EPOCH: String(epoch),
    };
    return stack.use(start('ledger', ['--listen', `127.0.0.1:${servicePort}`, '--beat-ms', '5'], env));
  }

  async function trespass(name: string, op: 'read' | 'write'): Promise<Record<string, unknown>> {
    const tried = start('trespass', ['--uri', uri, '--export', name, '--op', op]);
    assert.equal(await tried.exited, 0, tried.stderr);
    return JSON.parse(tried.lines[0]!) as Record<string, unknown>;
  }

  /** The history as far as storage node and client tell it, written out and read again. */
  async function history(gate: Running, client: Running | undefined): Promise<History> {
    gate.signal('SIGTERM');
    assert.equal(await gate.exited, 0, gate.stderr);
    const audit = gate.lines.map((line) => JSON.parse(line) as AuditLine);
    const data = await readFile(join(dir, 'data.img'));
    await saveHistory(join(dir, 'saved'), {
      ...new Story().history(),
      audit,
      client: client?.events ?? [],
      data,
    });
    return loadHistory(join(dir, 'saved'));
  }

  it('loses nothing across a change of owners, and the former one ends with the epoch it lost to', async () => {
    const storage = await gate();
    const ports = [await freePort(), await freePort()];
    await owns('server-1', 2);
    const former = ledger('server-1', 2, ports[0]!);
    const servers = `server-1=127.0.0.1:${ports[0]},server-2=127.0.0.1:${ports[1]}`;
    const client = stack.use(
      start('client', ['--servers', servers, '--think-ms', '2', '--attempt-timeout-ms', '200']),
    );
    const acknowledgedBy = (server: string) =>
      client.events.filter((event) => event.event === 'end' && event.server === server).length;
    await client.until(() => acknowledgedBy('server-1') >= 20);

    for (const op of ['read', 'write'] as const) {
      const tried = await trespass(nameOf('server-2', 3), op);
      assert.deepEqual([tried['outcome'], tried['grantedEpoch']], ['refused', 2]);
    }
    await owns('server-2', 3);
    assert.equal(await former.exited, 4);
    assert.match(former.stderr, /^(ledger: not ready: .*\n)*fenced: last granted epoch 3\n$/);
    ledger('server-2', 3, ports[1]!);
    await client.until(() => acknowledgedBy('server-2') >= 20);
    client.signal('SIGTERM');
    assert.equal(await client.exited, 0);

    const told = await history(storage, client);
    assert.deepEqual(told.unreadable, []);
    const results = [singleWriter, acknowledgedKept, standbysRefused].map((check) => check(told));
    assert.deepEqual(
      results.map(({ verdict, evidence }) => (verdict === 'valid' ? verdict : evidence)),
      ['valid', 'valid', 'valid'],
    );
  });

  it('is found out when the gate lets everybody in: a trespass is done, and the checkers see it', async () => {
    const storage = await gate('--no-fencing');
    await owns('server-1', 2);
    const served = ledger('server-1', 2, await freePort());
    await storage.until((it) => it.lines.some((line) => line.includes('"event":"write"')));
    assert.equal((await trespass(nameOf('server-2', 3), 'read'))['outcome'], 'done');
    const tried = await trespass(nameOf('server-2', 3), 'write');
    assert.deepEqual([tried['outcome'], tried['reason']], ['done', 'wrote 512 bytes at 1048064']);
    const lines = storage.lines.length;
    await storage.until((it) => it.lines.slice(lines).some((line) => line.includes('"node":"server-1"')));
    served.signal('SIGKILL');
    await served.exited;

    const told = await history(storage, undefined);
    assert.deepEqual(told.unreadable, []);
    assert.deepEqual([singleWriter(told).verdict, standbysRefused(told).verdict], ['violated', 'violated']);
  });
});
