import assert from 'node:assert/strict';
import { RequestFailed } from '../../ports/block-device.ts';
import { RESERVATION_TYPE } from '../../ports/reservable-unit.ts';
import { OPERATION } from '../../wire/scsi/operation.ts';
import { needsTgt, Tgt } from './tgt.fixture.ts';
import { IscsiUnit } from './unit.ts';

const long = 8000;
const { exclusiveAccess } = RESERVATION_TYPE;
const sector = (fill: number): Uint8Array => new Uint8Array(512).fill(fill);

/** Repeats what was told UNIT ATTENTION instead of being carried out. */
async function patiently<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof RequestFailed && error.code.startsWith('UNIT ATTENTION'))) throw error;
    }
  }
}

describe('the persistent reservation of a unit of tgt', function () {
  this.timeout(30_000);
  before(async function () {
    await needsTgt(this);
  });

  async function twoNexuses(tgt: Tgt): Promise<[IscsiUnit, IscsiUnit]> {
    const units = [
      await IscsiUnit.open({ address: tgt.address(1) }, long),
      await IscsiUnit.open({ address: tgt.address(1) }, long),
    ] as [IscsiUnit, IscsiUnit];
    for (const unit of units) await unit.describe(long);
    return units;
  }

  it('is taken, seen, and taken away; whoever lost it is told once, and then refused', async () => {
    await using tgt = await Tgt.start();
    const [former, next] = await twoNexuses(tgt);
    await using _former = former;
    await using _next = next;
    const info = await next.describe(long);
    assert.equal(await former.readReservation(long), undefined);
    assert.deepEqual((await former.readKeys(long)).keys, []);
    await former.registerKey(0x1_0000_0000_0001n, long);
    await former.reserve(0x1_0000_0000_0001n, exclusiveAccess, long);
    await former.writeDurably(info, 0, sector(1), long);
    assert.deepEqual(await next.readReservation(long), { key: 0x1_0000_0000_0001n, type: 3, scope: 0 });
    await assert.rejects(next.writeDurably(info, 0, sector(2), long), {
      code: 'RESERVATION CONFLICT',
      effect: 'possible',
    });
    await assert.rejects(next.read(info, 0, 512, long), { code: 'RESERVATION CONFLICT' });

    await next.registerKey(0x2_0000_0000_0002n, long);
    await next.preempt(0x2_0000_0000_0002n, 0x1_0000_0000_0001n, exclusiveAccess, long, false);
    await next.resetLogicalUnit(long);
    assert.deepEqual((await patiently(() => next.readKeys(long))).keys, [0x2_0000_0000_0002n]);
    assert.equal((await next.readReservation(long))?.key, 0x2_0000_0000_0002n);
    await patiently(() => next.writeDurably(info, 0, sector(2), long));

    const told: string[] = [];
    for (let tries = 0; tries < 5; tries += 1) {
      const error: unknown = await former
        .writeDurably(info, 0, sector(9), long)
        .catch((reason: unknown) => reason);
      told.push((error as RequestFailed).code);
    }
    assert.ok(told.includes('UNIT ATTENTION 2A/03'), told.join());
    assert.equal(told.at(-1), 'RESERVATION CONFLICT');
    assert.equal((await next.read(info, 0, 512, long))[0], 2);
  });

  it('refuses what it does not know, and what was not registered', async () => {
    await using tgt = await Tgt.start();
    const [one, other] = await twoNexuses(tgt);
    await using _one = one;
    await using _other = other;
    await assert.rejects(one.reserve(1n, exclusiveAccess, long), { code: 'RESERVATION CONFLICT' });
    await one.registerKey(1n, long);
    // tgt says yes to any service action, so whoever asks has to be ready for a refusal.
    assert.equal(await one.supportsPreemptAndAbort(long), true);
    await assert.rejects(one.preempt(1n, 2n, exclusiveAccess, long, true), { code: /^ILLEGAL REQUEST / });
    assert.equal(await one.supports(OPERATION.WRITE_16, undefined, long), true);
    assert.equal(await one.supports(OPERATION.WRITE_ATOMIC_16, undefined, long), false);
  });

  it('is the session’s: with another one nothing of it holds, and the unit is still taken', async () => {
    await using tgt = await Tgt.start();
    const first = await IscsiUnit.open({ address: tgt.address(1) }, long);
    const info = await first.describe(long);
    await first.registerKey(5n, long);
    await first.reserve(5n, exclusiveAccess, long);
    await first.close();
    await using second = await IscsiUnit.open({ address: tgt.address(1) }, long);
    await assert.rejects(
      patiently(() => second.writeDurably(info, 0, sector(1), long)),
      { code: 'RESERVATION CONFLICT' },
    );
    assert.deepEqual((await second.readKeys(long)).keys, [5n]);
  });
});
