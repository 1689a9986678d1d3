import assert from 'node:assert/strict';
import type { AreaReading, OwnershipRecord } from '../protocol/types.ts';
import {
  CLUSTER,
  headerOf,
  INCARNATION,
  OTHER_CLUSTER,
  readArea,
  RECORD,
  sectorsOf,
  SLOTS,
  WALL_MS,
} from '../area/area.fixture.ts';
import { encodeRecord } from '../area/record.ts';
import { encodeSlot } from '../area/slot.ts';
import { areaLines, areaStatus } from './status-area.ts';

const framing = { clusterId: CLUSTER, sectorBytes: 512, wallMs: WALL_MS };
const before = readArea(sectorsOf(512), 512);

/** The area one look later, with some sectors replaced. */
function later(changed: Readonly<Record<number, Uint8Array>>): AreaReading {
  return readArea(
    sectorsOf(512).map((sector, index) => changed[index] ?? sector),
    512,
  );
}

function linesAfter(changed: Readonly<Record<number, Uint8Array>>): string[] {
  return areaLines(areaStatus('nbd://storage/quorum', headerOf(512), before, later(changed)));
}

function ownerAfter(record: Partial<OwnershipRecord>): string | undefined {
  return linesAfter({ 1: encodeRecord({ ...RECORD, ...record }, framing) }).find((line) =>
    line.startsWith('owner'),
  );
}

describe('the status of an area', () => {
  it('tells who is alive from two readings', () => {
    const lines = linesAfter({
      1: encodeRecord({ ...RECORD, count: RECORD.count + 1 }, framing),
      2: encodeSlot({ ...SLOTS[0]!, counter: 78 }, framing),
    });
    assert.deepEqual(lines, [
      'area     nbd://storage/quorum',
      `cluster  ${CLUSTER}`,
      'timings  T 1000, M 5, S 1001, q 500, stop grace 1002; so D 5000, L 4250 (ms)',
      'owner    server-2, epoch 1099511627777, alive',
      'record   count 287454021, incarnation 10213243, 2026-01-02T03:04:05.678Z',
      '',
      'slot  node      role     epoch          counter  incarnation  seen',
      '0     server-1  standby  1099511627777  78       abababab     alive',
      '1     server-2  owner    1099511627777  1234567  10213243     silent',
      '2     server-3                                                never',
      'alive: changed within 1500 ms; silent: did not.',
    ]);
  });

  it('says what the record says, whatever that is', () => {
    assert.equal(ownerAfter({}), 'owner    server-2, epoch 1099511627777, silent');
    assert.equal(ownerAfter({ status: 0, epoch: 8 }), 'owner    none; server-2 is claiming it with epoch 8');
    assert.equal(
      ownerAfter({ status: 0, node: '', epoch: 8, successor: '' }),
      'owner    none; released after epoch 8',
    );
    assert.equal(
      ownerAfter({ status: 0, node: '', epoch: 8 }),
      'owner    none; released after epoch 8, server-3 is to follow',
    );
    const [, , , none] = linesAfter({ 1: new Uint8Array(512) });
    assert.equal(none, 'owner    none; nobody has owned this area yet');
    const foreign = encodeRecord(RECORD, { ...framing, clusterId: OTHER_CLUSTER });
    const [, , , unknown] = linesAfter({ 1: foreign });
    assert.equal(
      unknown,
      `owner    unknown: ownership record belongs to cluster ${OTHER_CLUSTER}, not ${CLUSTER}`,
    );
  });

  it('takes nobody for an owner whom somebody followed', () => {
    const followed = encodeRecord({ ...RECORD, node: 'server-1', epoch: RECORD.epoch + 1 }, framing);
    const row = linesAfter({ 1: followed }).find((line) => line.startsWith('1 '));
    assert.match(row!, /^1 +server-2 +was owner +1099511627777 /);
  });

  it('names free and damaged slots', () => {
    const lines = linesAfter({ 2: new Uint8Array(512), 3: new Uint8Array(512).fill(1) });
    assert.deepEqual(lines.slice(-4), [
      '1     (damaged)                                     alive',
      '2     server-3                                      never',
      'slot 1: damaged: not an arbiter block: its first 8 bytes are not the magic of one',
      'alive: changed within 1500 ms; silent: did not.',
    ]);
    assert.match(lines.join('\n'), /^0 {5}\(free\)$/m);
  });

  it('notices a header that changed under it', () => {
    const lines = linesAfter({ 0: new Uint8Array(512).fill(1) });
    assert.ok(lines.includes('header   changed while it was watched: look again'));
  });

  it('stays within 80 columns with the longest names and numbers', () => {
    const node = 'n'.repeat(31);
    const most = Number.MAX_SAFE_INTEGER;
    const slot = { node, incarnation: INCARNATION, counter: most, role: 'claimant', epoch: most } as const;
    const lines = linesAfter({
      2: encodeSlot(slot, framing),
      1: encodeRecord({ ...RECORD, node, epoch: most }, framing),
    });
    assert.deepEqual(
      lines.filter((line) => line.length > 80),
      [],
    );
    assert.match(lines.join('\n'), /^0 {5}n+\.\.\. {2}claimant/m);
  });

  it('gives a program the same facts', () => {
    const { record, nodes, ...rest } = areaStatus('nbd://storage/quorum', headerOf(512), before, later({}));
    assert.deepEqual(rest, {
      ...{ source: 'area', uri: 'nbd://storage/quorum', cluster: CLUSTER, sectorBytes: 512, mode: 'plain' },
      ...{ timings: headerOf(512).timings, headerUnchanged: true, observedMs: 1500 },
    });
    const written = '2026-01-02T03:04:05.678Z';
    const summary = 'server-2, epoch 1099511627777';
    assert.deepEqual(record, { state: 'owned', summary, alive: false, written, ...RECORD });
    assert.deepEqual(nodes[1], { index: 1, state: 'valid', alive: false, written, ...SLOTS[1] });
  });
});
