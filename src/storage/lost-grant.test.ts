import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { slotOffset } from '../area/layout.ts';
import { encodeSlot } from '../area/slot.ts';
import { CLUSTER, DATA_BYTES, dataName, headerSector, owned, recordSector } from './gate.fixture.ts';
import { StorageDir, TestGate } from './gate.fixture.ts';
import { tracesOfGrants } from './lost-grant.ts';

const OTHER = 'd2'.repeat(16);
const NODES = ['a', 'b', 'c'];

function slotSector(index: number, epoch: number, clusterId = CLUSTER): Uint8Array {
  const slot = {
    node: NODES[index]!,
    incarnation: 'a'.repeat(32),
    counter: 1,
    role: 'standby',
    epoch,
  } as const;
  return encodeSlot(slot, { clusterId, sectorBytes: 512 });
}

/** An area of three slots; `damage` is a sector whose last byte is changed. */
function area(record: Uint8Array | null, epochs: readonly number[], damage?: number): Uint8Array {
  const bytes = Buffer.alloc(16 * 512);
  bytes.set(headerSector(512));
  if (record !== null) bytes.set(record, 512);
  for (const [index, epoch] of epochs.entries()) bytes.set(slotSector(index, epoch), slotOffset(512, index));
  if (damage !== undefined) bytes[(damage + 1) * 512 - 1]! ^= 1;
  return bytes;
}

const claimed = (epoch: number): Uint8Array => recordSector({ ...owned('b', epoch), status: 0 });
const status1 = (epoch: number): Uint8Array => recordSector(owned('b', epoch));

describe('a lost grant: what the quorum area tells of it', () => {
  const foreign = Buffer.alloc(8192, 7);
  const otherRecord = recordSector(owned('b', 9), 512, OTHER);
  const cut = area(status1(7), [7, 7, 7]).subarray(0, 4 * 512);
  // prettier-ignore
  const rows: readonly [what: string, bytes: Uint8Array, traces: 'none' | number | RegExp][] = [
    ['an area of zeros: nothing was ever granted',                  Buffer.alloc(8192),              'none'],
    ['data of something else',                                      foreign,                         'none'],
    ['laid out, and no server has come yet',                        area(null, [0, 0, 0]),           'none'],
    ['an owner of the highest epoch: it, and nothing below',        area(status1(7), [5, 7, 6]),     6],
    ['an owner by the published method, which has no epochs',       area(status1(0), [0, 0, 0]),     'none'],
    ['the first owner of all: it alone', area(status1(1), [0, 1, 0]), 0],
    ['an owner beside a higher epoch: it may be a late write',      area(status1(7), [5, 7, 8]),     8],
    ['a claim: nobody has been granted that, nor may be',           area(claimed(7), [5, 7, 6]),     7],
    ['a claim below a slot',                                        area(claimed(7), [5, 7, 9]),     9],
    ['a record of zeros: the slots tell',                           area(null, [5, 7, 6]),           7],
    ['a damaged record: the slots tell',                            area(status1(9), [5, 7, 6], 1),  7],
    ['a record of another cluster: the slots tell',                 area(otherRecord, [5, 7, 6]),    7],
    ['a slot that cannot be read may hold any epoch',               area(status1(7), [5, 7, 6], 3),  /^slot 1: /],
    ['a header that cannot be read',                                area(status1(7), [5, 7, 6], 0),  /^its header is /],
    ['a header of zeros before blocks',                             area(status1(7), [5, 7, 6]).fill(0, 0, 512), /^its header is gone$/],
    ['an area that was cut short',                                  cut,                             /^it is cut short after 2048 bytes$/],
  ];
  for (const [what, bytes, expected] of rows) {
    it(`${what} => ${String(expected)}`, () => {
      const traces = tracesOfGrants(bytes);
      if (expected === 'none') assert.deepEqual(traces, { kind: expected });
      else if (typeof expected === 'number') assert.deepEqual(traces, { kind: 'floor', epoch: expected });
      else assert.match(traces.kind === 'unreadable' ? traces.why : JSON.stringify(traces), expected);
    });
  }
});

/** A storage node whose state directory was lost after grants. */
class Bereft extends StorageDir {
  readonly grantFile = join(this.state, 'grant.json');

  constructor(bytes: Uint8Array) {
    super(null);
    writeFileSync(this.quorum, bytes);
  }

  get kept(): unknown {
    return JSON.parse(readFileSync(this.grantFile, 'utf8'));
  }
}

async function refusalToStart(dir: StorageDir): Promise<string> {
  const told = await TestGate.start(dir).then(
    async (gate) => {
      await gate.stop();
      return 'it started';
    },
    (error: unknown) => (error as Error).message,
  );
  return told.replaceAll(dir.path, 'DIR');
}

describe('a gate whose last grant was lost', () => {
  it('lets in the owner in the record when nothing newer is there, and keeps that first', async () => {
    using dir = new Bereft(area(status1(7), [5, 7, 6]));
    await using gate = await TestGate.start(dir);
    assert.deepEqual(await (await gate.connect()).go(dataName('b', 7)), { sizeBytes: DATA_BYTES });
    assert.deepEqual(dir.kept, { v: 1, granted: dataName('b', 7), cluster: CLUSTER });
    assert.match(await gate.refusal(dataName('a', 6)), /epoch 6 is over.: last granted epoch 7$/);
  });

  it('otherwise lets in nobody until the record shows an owner above everything found, and names that epoch', async () => {
    using dir = new Bereft(area(status1(7), [5, 7, 8]));
    await using gate = await TestGate.start(dir);
    const why = 'the last grant was lost, and an epoch up to 8 may be over';
    const name = dataName('b', 7);
    assert.equal(await gate.refusal(name), `${name} refused (${why}): last granted epoch 8`);
    await gate.own(owned('b', 7, 'a', 2));
    await gate.own(owned('c', 8));
    assert.deepEqual(gate.audit.all('grant'), []);
    await gate.own(owned('b', 10));
    assert.deepEqual(await (await gate.connect()).go(dataName('b', 10)), { sizeBytes: DATA_BYTES });
  });

  it('remembers where it began, whatever the area shows at the next start', async () => {
    using dir = new Bereft(area(claimed(9), [5, 9, 8]));
    await (await TestGate.start(dir)).stop();
    writeFileSync(dir.quorum, area(status1(7), [5, 7, 6]));
    await using gate = await TestGate.start(dir);
    assert.match(await gate.refusal(dataName('b', 7)), /: last granted epoch 9$/);
  });

  it('says so once, to people and in the audit', async () => {
    using dir = new Bereft(area(claimed(9), [5, 9, 8]));
    await using gate = await TestGate.start(dir);
    assert.deepEqual(
      gate.troubles.map((line) => line.replaceAll(dir.path, 'DIR')),
      [
        'storage: there is no last grant in DIR/state/grant.json, and the quorum area has been used: an owner is let in ' +
          'from epoch 10 on, which servers get to by themselves; if it had granted before, find out who removed the file',
      ],
    );
    assert.equal(gate.audit.all('gate-started')[0]!.floor, 9);
    assert.equal((gate.gate.status() as { floor?: number }).floor, 9);
    await gate.stop();
    await using again = await TestGate.start(dir);
    assert.deepEqual(again.troubles, []);
  });

  it('does not start where the area does not tell, and says what to do', async () => {
    using dir = new Bereft(area(status1(7), [5, 7, 6], 3));
    assert.match(
      await refusalToStart(dir),
      /^storage: there is no last grant in DIR\/state\/grant.json, and the quorum area in DIR\/quorum.img does not tell it either: slot 1: .*; when no server runs, lay the area out anew: arbiter init file:\/\/DIR\/quorum.img --force --nodes NAMES$/,
    );
    assert.equal(existsSync(dir.grantFile), false);
  });

  it('starts all the same without fencing, where nothing is granted', async () => {
    using dir = new Bereft(area(status1(7), [5, 7, 6], 3));
    await using gate = await TestGate.start(dir, { fencing: false });
    assert.deepEqual(gate.troubles, []);
  });
});

describe("a gate whose last grant is another cluster's", () => {
  it('does not start, and says what to do', async () => {
    using dir = new Bereft(area(status1(7), [5, 7, 6]));
    await using first = await TestGate.start(dir);
    await first.into(dataName('b', 7));
    await first.stop();
    writeFileSync(dir.quorum, Buffer.concat([headerSector(512, OTHER), Buffer.alloc(15 * 512)]));
    assert.equal(
      await refusalToStart(dir),
      `storage: the last grant in DIR/state/grant.json is of cluster ${CLUSTER}, and the quorum area in DIR/quorum.img of ` +
        `cluster ${OTHER}; give --state the directory of this cluster, or, when no server of the other one uses these ` +
        `files any more, remove DIR/state/grant.json`,
    );
    rmSync(dir.grantFile);
    assert.equal(await refusalToStart(dir), 'it started');
  });

  it('takes one of an earlier version, and says of which cluster with the next grant', async () => {
    using dir = new Bereft(area(status1(7), [5, 7, 6]));
    await (await TestGate.start(dir)).stop();
    writeFileSync(dir.grantFile, `{"v":1,"granted":"${dataName('b', 7)}"}\n`);
    await using gate = await TestGate.start(dir);
    await gate.into(dataName('b', 7));
    await gate.own(owned('c', 8));
    await gate.into(dataName('c', 8));
    assert.deepEqual(dir.kept, { v: 1, granted: dataName('c', 8), cluster: CLUSTER });
  });

  it("keeps its grant while the area is nobody's, as in the middle of being laid out anew", async () => {
    using dir = new Bereft(area(status1(7), [5, 7, 6]));
    await using first = await TestGate.start(dir);
    await first.into(dataName('b', 7));
    await first.stop();
    writeFileSync(dir.quorum, Buffer.alloc(16 * 512));
    await using gate = await TestGate.start(dir);
    assert.match(await gate.refusal(dataName('a', 6)), /: last granted epoch 7$/);
  });
});
