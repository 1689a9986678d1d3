import assert from 'node:assert/strict';
import { OPERATION } from '../wire/scsi/operation.ts';
import { PR_IN } from '../wire/scsi/persistent-reserve.ts';
import type { ScsiRequest } from '../wire/scsi/request.ts';
import { type Sense, SENSE_KEY } from '../wire/scsi/sense.ts';
import { SCSI_STATUS } from '../wire/scsi/status.ts';
import { judgeScsi } from './judge-scsi.ts';
import { type Ask, type ScsiFacts, scsiFacts } from './scsi.ts';

const sense = (key: number): Sense => ({ key, asc: 0, ascq: 0, deferred: false });
const check = (key: number) => ({
  status: SCSI_STATUS.CHECK_CONDITION,
  sense: sense(key),
  data: new Uint8Array(),
});
const good = (data: Uint8Array) => ({ status: SCSI_STATUS.GOOD, sense: undefined, data });

function standard(): Uint8Array {
  const data = Buffer.alloc(36, 0x20);
  data.set([0, 0, 6, 2, 31, 0, 0, 0]);
  data.write('ACME    DISK            0001', 8, 'latin1');
  return data;
}

/** 2048 blocks of 512 bytes. */
function capacity(): Uint8Array {
  const data = Buffer.alloc(32);
  data.writeBigUInt64BE(2047n, 0);
  data.writeUInt32BE(512, 8);
  return data;
}

/** Knows what every unit must, and nothing else. */
const plain: Ask = async ({ cdb }) => {
  if (cdb[0] === OPERATION.INQUIRY && cdb[1] === 0) return good(standard());
  if (cdb[0] === OPERATION.SERVICE_ACTION_IN_16) return good(capacity());
  return check(SENSE_KEY.ILLEGAL_REQUEST);
};

const disk = { blocks: 2048, blockBytes: 512, physicalBlockBytes: 512, thin: false };
const facts: ScsiFacts = {
  product: 'ACME DISK 0001',
  capacity: disk,
  limits: {
    compareAndWriteBlocks: 1,
    optimalGranularityBlocks: 0,
    maximumTransferBlocks: 0,
    optimalTransferBlocks: 0,
  },
  mode: { writeProtected: false, forcedUnitAccess: true, writeCache: true },
  unitName: 'naa.60',
  registered: { keys: [], held: undefined },
  reservations: {
    canPersist: true,
    persists: false,
    allTargetPorts: false,
    specifiesInitiators: false,
    types: [1, 3, 6],
  },
  compareAndWrite: 'yes',
  preemptAndAbort: 'yes',
};

describe('a SCSI unit by its own words', () => {
  it('may know nothing but what every unit must', async () => {
    const found = await scsiFacts(plain);
    assert.deepEqual(found, {
      product: 'ACME DISK 0001',
      capacity: facts.capacity,
      ...{
        limits: undefined,
        mode: undefined,
        unitName: undefined,
        registered: undefined,
        reservations: undefined,
      },
      ...{ compareAndWrite: 'unsaid', preemptAndAbort: 'unsaid' },
    });
  });

  it('is asked again after it told what had happened to it, and not for ever', async () => {
    let attentions = 3;
    const asks: Ask = async (request) =>
      attentions-- > 0 ? check(SENSE_KEY.UNIT_ATTENTION) : plain(request);
    assert.equal((await scsiFacts(asks)).product, 'ACME DISK 0001');
    await assert.rejects(
      scsiFacts(async () => check(SENSE_KEY.UNIT_ATTENTION)),
      { code: 'CHECK CONDITION' },
    );
  });

  it('is not taken for one that lacks something when it fails', async () => {
    const failing: Ask = async (request) =>
      request.cdb[0] === OPERATION.PERSISTENT_RESERVE_IN ? check(SENSE_KEY.HARDWARE_ERROR) : plain(request);
    await assert.rejects(scsiFacts(failing), { name: 'RequestFailed' });
    await assert.rejects(
      scsiFacts(async () => check(SENSE_KEY.ILLEGAL_REQUEST)),
      /does not know INQUIRY$/,
    );
  });

  it('that breaks the form of an answer is told so in one line', async () => {
    const broken: Ask = async (request) =>
      request.cdb[0] === OPERATION.PERSISTENT_RESERVE_IN ? good(new Uint8Array(3)) : plain(request);
    const message = /^PERSISTENT RESERVE IN \(read keys\) returned too little: /;
    await assert.rejects(scsiFacts(broken), { name: 'RequestFailed', code: 'EIO', message });
  });

  it('tells others than its owner less, and is no worse for it', async () => {
    const reserved: Ask = async (request) =>
      request.cdb[0] === OPERATION.INQUIRY && request.cdb[1] === 0
        ? good(standard())
        : { status: SCSI_STATUS.RESERVATION_CONFLICT, sense: undefined, data: new Uint8Array() };
    const { product, capacity, mode } = await scsiFacts(reserved);
    assert.deepEqual([product, capacity, mode], ['ACME DISK 0001', undefined, undefined]);
  });

  it('is asked by commands that change nothing', async () => {
    const asked: ScsiRequest[] = [];
    await scsiFacts(async (request) => (asked.push(request), plain(request)));
    const reading: number[] = [
      ...[OPERATION.INQUIRY, OPERATION.SERVICE_ACTION_IN_16, OPERATION.MODE_SENSE_6],
      ...[OPERATION.PERSISTENT_RESERVE_IN, OPERATION.MAINTENANCE_IN],
    ];
    assert.ok(asked.length > 8);
    for (const { cdb, dataOut } of asked) {
      assert.ok(reading.includes(cdb[0]!), `${cdb[0]}`);
      assert.equal(dataOut, undefined);
    }
    const actions = asked
      .filter(({ cdb }) => cdb[0] === OPERATION.PERSISTENT_RESERVE_IN)
      .map(({ cdb }) => cdb[1]);
    assert.deepEqual(actions, [PR_IN.READ_KEYS, PR_IN.READ_RESERVATION, PR_IN.REPORT_CAPABILITIES]);
  });
});

describe('the judgement of a SCSI unit', () => {
  const lacking = facts.reservations!;
  const view = { sectorBytes: 512, durability: 'fua' } as const;

  // prettier-ignore
  const rows: readonly (readonly [string, Partial<ScsiFacts>, readonly string[]])[] = [
    ['finds nothing to say against one that can all', {}, []],
    ['warns of a medium that writes more than a sector at a time', { capacity: { ...disk, physicalBlockBytes: 4096 } }, ['whole sectors: warning']],
    ['warns of one without reservations', { registered: undefined, reservations: undefined }, ['fencing: warning']],
    ['warns of one without Exclusive Access', { reservations: { ...lacking, types: [1, 5] } }, ['fencing: warning']],
    ['warns of one that forgets reservations when it restarts', { reservations: { ...lacking, canPersist: false } }, ['fencing: warning']],
    ['can do without PREEMPT AND ABORT', { preemptAndAbort: 'no' }, []],
    ['can do without COMPARE AND WRITE', { compareAndWrite: 'no', limits: undefined }, []],
    ['does not guess at COMPARE AND WRITE', { compareAndWrite: 'unsaid' }, ['compare-write: untried']],
    ['nor believe one that says both', { limits: { ...facts.limits!, compareAndWriteBlocks: 0 } }, ['compare-write: untried']],
  ];
  for (const [title, changed, expected] of rows) {
    it(title, () => {
      const ill = judgeScsi({ ...facts, ...changed }, view).filter(({ state }) => state !== 'ok');
      assert.deepEqual(
        ill.map(({ thing, state }) => `${thing}: ${state}`),
        expected,
      );
    });
  }

  it('is content with sectors of 4096 bytes on a medium of such', () => {
    const capacity = { ...disk, physicalBlockBytes: 4096 };
    assert.ok(
      judgeScsi({ ...facts, capacity }, { ...view, sectorBytes: 4096 }).every(({ state }) => state === 'ok'),
    );
  });

  it('names the holder, and how the unit would be taken', () => {
    const registered = { keys: [5n], held: { key: 5n, type: 3 } };
    const of = (changed: Partial<ScsiFacts>) =>
      judgeScsi({ ...facts, ...changed }, view).find(({ thing }) => thing === 'fencing')!.why;
    assert.match(
      of({ registered }),
      /taken by PREEMPT AND ABORT, as it says, and LOGICAL UNIT RESET; held under key 0x0000000000000005/,
    );
    assert.match(
      of({ preemptAndAbort: 'no' }),
      /taken by PREEMPT and LOGICAL UNIT RESET; nobody is registered/,
    );
  });
});
