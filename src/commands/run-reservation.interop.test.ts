import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { needsTgt, Tgt } from '../block/iscsi/tgt.fixture.ts';
import { openBlockDevice } from '../block/open.ts';
import type { JournalLine } from '../ports/journal.ts';
import { Cluster, type Running } from './run.fixture.ts';

/** On a busy machine a request takes a while, and a takeover some twenty of them. */
const TIMINGS = { interval: 250, misses: 7, settle: 250, deadline: 250, grace: 250 };
const DEADLINE_MS = 20_000;
const block = (text: string) => Buffer.alloc(512, text);

describe('agents with their data area on an iSCSI target', function () {
  this.timeout(60_000);
  let tgt: Tgt;
  let cluster: Cluster;
  const at = (offset: number) => readFileSync(tgt.image(2)).subarray(offset, offset + 512);

  before(async function () {
    await needsTgt(this);
  });
  beforeEach(async () => {
    tgt = await Tgt.start({ units: [{ lun: 1, sizeBytes: 65536 }, { lun: 2 }] });
    cluster = new Cluster();
    await cluster.layOut(['server-1', 'server-2'], TIMINGS, tgt.uri(1));
  });
  afterEach(async () => {
    await cluster[Symbol.asyncDispose]();
    await tgt[Symbol.asyncDispose]();
  });

  const start = (node: string, more: Record<string, unknown> = {}) => {
    const service = { command: ['sh', '-c', 'echo "$ARBITER_DATA_URI" >&2; exec sleep 1000'] };
    return cluster.start(node, { quorum: tgt.uri(1), data: tgt.uri(2), service, ...more });
  };
  /** The last one its service was told. */
  const dataOf = async (agent: Running<JournalLine>) => {
    await agent.event('service', { phase: 'started' });
    const uri = /^nbd\+unix:.*$/gm;
    while (!uri.test(agent.stderr)) await new Promise((resolve) => setTimeout(resolve, 10));
    return openBlockDevice(agent.stderr.match(uri)!.at(-1)!, { deadlineMs: DEADLINE_MS });
  };
  const events = (agent: Running<JournalLine>, event: string) =>
    agent.lines.filter((line) => line.event === event) as (JournalLine & Record<string, unknown>)[];

  it('hand it over when the active one is killed, with all that its service has written', async () => {
    const one = start('server-1');
    const first = await dataOf(one);
    await first.writeDurably(0, block('a'), DEADLINE_MS);
    assert.equal(events(one, 'agent-started')[0]!['fencing'], 'reservation');
    const two = start('server-2');
    await two.event('role', { to: 'standby' });
    one.kill('SIGKILL');
    const second = await dataOf(two);
    assert.deepEqual(Buffer.from(await second.read(0, 512, DEADLINE_MS)), block('a'));
    await second.writeDurably(512, block('b'), DEADLINE_MS);
    assert.deepEqual([at(0), at(512)], [block('a'), block('b')]);
    await first[Symbol.asyncDispose]();
    await second[Symbol.asyncDispose]();
  });

  it('let nothing of a frozen active server land once it was replaced', async () => {
    const one = start('server-1');
    const first = await dataOf(one);
    const two = start('server-2');
    await two.event('role', { to: 'standby' });
    one.kill('SIGSTOP');
    const late = first.writeDurably(0, block('x'), DEADLINE_MS);
    const refused = assert.rejects(late);
    const second = await dataOf(two);
    await second.writeDurably(512, block('b'), DEADLINE_MS);
    const { length } = one.lines;
    one.kill('SIGCONT');
    await refused;
    await one.event('role', { to: 'standby' }, length);
    assert.deepEqual([at(0), at(512)], [Buffer.alloc(512), block('b')]);
    await first[Symbol.asyncDispose]();
    await second[Symbol.asyncDispose]();
  });

  it('keep it through the loss of its session, and take it again after a restart of the target', async () => {
    const one = start('server-1');
    const device = await dataOf(one);
    let { length } = one.lines;
    await tgt.dropSessions();
    await one.event('access', { outcome: 'lost' }, length);
    await one.event('access', { outcome: 'verified' }, length);
    await device.writeDurably(0, block('c'), DEADLINE_MS);
    assert.equal(events(one, 'service').filter((line) => line['phase'] === 'started').length, 1);
    ({ length } = one.lines);
    await tgt.kill();
    await tgt.start();
    await one.event('access', { outcome: 'lost' }, length);
    await one.event('access', { outcome: 'verified' }, length);
    assert.deepEqual(at(0), block('c'));
    await device[Symbol.asyncDispose]();
  });

  it('serve it in the same way where nobody guards it', async () => {
    const one = start('server-1', { fencing: 'none', unsafe: true });
    const device = await dataOf(one);
    await device.writeDurably(0, block('n'), DEADLINE_MS);
    assert.deepEqual(at(0), block('n'));
    await device[Symbol.asyncDispose]();
  });
});
