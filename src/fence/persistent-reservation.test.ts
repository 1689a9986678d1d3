import assert from 'node:assert/strict';
import { reservationTypeFor } from '../ports/reservable-unit.ts';
import { joinReservation, takeReservation } from './persistent-reservation.ts';
import { reservationKey, TRIAL_KEYS } from './reservation-key.ts';
import { type Command, type Nexus, nexusPort, type QueuedWrite, SpcUnit } from './model/spc-unit.fixture.ts';

const patience = { slots: 4, deadlineMs: 1000, resetDeadlineMs: 1000, isGivenUp: () => false };

/** One server at the unit: each attempt is a session of its own. */
class Server {
  readonly sent: string[] = [];
  readonly #unit: SpcUnit;
  readonly #slot: number;
  nexus: Nexus | undefined;

  constructor(unit: SpcUnit, slot: number) {
    this.#unit = unit;
    this.#slot = slot;
  }

  take(epoch: number, paths = 1) {
    const key = reservationKey(this.#slot, epoch);
    this.sent.length = 0;
    const nexuses = Array.from({ length: paths }, () => this.#unit.open({ slot: this.#slot, epoch }));
    this.nexus = nexuses[0];
    const [first, ...others] = nexuses.map((nexus) =>
      nexusPort(async (command) => this.#send(nexus, command)),
    );
    const all = [first!, ...others] as const;
    return takeReservation({ paths: all, key, epoch, type: reservationTypeFor(paths), ...patience });
  }

  write(): QueuedWrite {
    return this.#unit.write(this.nexus!, () => {});
  }

  #send(nexus: Nexus, command: Command): unknown {
    this.sent.push(command.do);
    const { value, after = [] } = this.#unit.carryOut(nexus, command);
    this.#unit.queue = this.#unit.queue.filter((write) => !after.includes(write));
    return value;
  }
}

const PREEMPTED = 'UNIT ATTENTION 2A/03';
const RESET = 'UNIT ATTENTION 29/03';
const CONFLICT = 'RESERVATION CONFLICT';

/** What a session is told that goes on writing, until it is told the same again. */
function toldOf(unit: SpcUnit, nexus: Nexus): string[] {
  const told: string[] = [];
  for (;;) {
    try {
      unit.write(nexus, () => {});
      return [...told, 'GOOD'];
    } catch (error) {
      const { code } = error as { code: string };
      if (told.includes(code)) return told;
      told.push(code);
    }
  }
}

for (const hasAbort of [true, false]) {
  describe(`a reservation, PREEMPT ${hasAbort ? 'AND ABORT known' : 'alone'}`, () => {
    let unit: SpcUnit;
    let [one, two, three]: Server[] = [];
    beforeEach(() => {
      unit = new SpcUnit({ hasAbort });
      [one, two, three] = [1, 2, 3].map((slot) => new Server(unit, slot));
    });

    it('is taken where nobody holds one, and by that session alone', async () => {
      assert.deepEqual(await one!.take(1), { kind: 'granted' });
      assert.deepEqual([...unit.registrations], [[one!.nexus, reservationKey(1, 1)]]);
      assert.deepEqual(unit.holder, { nexus: one!.nexus, type: 3 });
    });

    it('is taken from an older epoch, whose writes meet a conflict from then on', async () => {
      await one!.take(1);
      one!.write();
      assert.deepEqual(await two!.take(2), { kind: 'granted' });
      assert.deepEqual(unit.queue, [], 'what was queued is through');
      assert.deepEqual(toldOf(unit, one!.nexus!), [PREEMPTED, RESET, CONFLICT]);
      assert.deepEqual(toldOf(unit, two!.nexus!), ['GOOD']);
    });

    it('is never taken from a newer epoch, which keeps it', async () => {
      await two!.take(6);
      const outcome = await one!.take(5);
      assert.deepEqual(outcome, {
        kind: 'refused',
        grantedEpoch: 6,
        reason: 'the unit was taken under epoch 6',
      });
      assert.equal(one!.sent.includes('preempt'), false);
      assert.equal(unit.holder?.nexus, two!.nexus);
    });

    it('is taken from an older epoch, and never from a newer one, beyond what a key has room for too', async () => {
      const edge = 2 ** 48;
      assert.equal((await one!.take(edge - 3)).kind, 'granted');
      assert.equal((await two!.take(edge + 2)).kind, 'granted');
      const reason = `the unit was taken under epoch ${edge + 2}`;
      assert.deepEqual(await three!.take(edge - 1), { kind: 'refused', grantedEpoch: edge + 2, reason });
      assert.equal(unit.holder?.nexus, two!.nexus);
    });

    it('is asked for under another epoch by the one server that has no key under this one', async () => {
      const first = new Server(unit, 0);
      const outcome = await first.take(2 ** 48);
      assert.deepEqual([outcome.kind, first.sent], ['refused', []]);
      assert.equal((outcome as { grantedEpoch: number }).grantedEpoch, 2 ** 48);
      assert.equal((await first.take(2 ** 48 + 4)).kind, 'granted');
    });

    it('is not taken over one of the same epoch of somebody else', async () => {
      await two!.take(6);
      const { kind } = await one!.take(6);
      assert.equal(kind, 'refused');
    });

    it('comes back to its owner on a new session, and leaves the old one', async () => {
      await one!.take(1);
      const old = one!.nexus!;
      old.attentions = [];
      assert.deepEqual(await one!.take(1), { kind: 'granted' });
      assert.equal(unit.registrations.size, 1);
      assert.deepEqual(toldOf(unit, old), [PREEMPTED, RESET, CONFLICT]);
      assert.deepEqual(toldOf(unit, one!.nexus!), ['GOOD']);
    });

    it('is not given to who has registered only, and who is refused stays so', async () => {
      await two!.take(6);
      await one!.take(5);
      assert.equal(unit.registrations.size, 2);
      assert.deepEqual(toldOf(unit, one!.nexus!), [CONFLICT]);
    });

    it('is shared by the paths of one server, and taken from all of them', async () => {
      assert.deepEqual(await one!.take(1, 3), { kind: 'granted' });
      assert.equal(unit.registrations.size, 3);
      assert.equal(unit.holder?.type, 6);
      assert.deepEqual(await two!.take(2, 2), { kind: 'granted' });
      assert.equal(unit.registrations.size, 2);
      assert.equal(toldOf(unit, one!.nexus!).at(-1), CONFLICT);
    });

    it('is joined by one more path of its holder, and by no path of anybody else', async () => {
      const join = (slot: number, epoch: number) => {
        const nexus = unit.open({ slot, epoch });
        const port = nexusPort(async (command) => unit.carryOut(nexus, command).value);
        return joinReservation(port, { key: reservationKey(slot, epoch), deadlineMs: 1000 });
      };
      await one!.take(1, 2);
      assert.equal(await join(1, 1), true);
      await two!.take(2, 2);
      assert.equal(await join(1, 1), false, 'preempted meanwhile');
      await two!.take(2);
      assert.equal(await join(2, 2), false, 'taken for one path alone');
    });

    it('is refused by a unit that is closed to this key after a restart, and named so', async () => {
      await two!.take(6);
      unit.restart((key) => key === reservationKey(2, 6));
      assert.equal((await one!.take(5)).kind, 'refused');
      assert.deepEqual(await two!.take(6), { kind: 'granted' });
    });

    const far = 7 + 2 ** 20;
    for (const [what, foreign] of [
      ['of no slot', 0xdead_beef_0000_0003n],
      ['of a slot that the cluster has not', reservationKey(4, 4)],
      ['of a small number', 0xabc123n],
      ['of an epoch that is not of its slot', reservationKey(2, 5)],
      ['of an epoch that nobody can have come to', reservationKey(0, far + 1)],
    ] as const) {
      it(`is not taken from a stranger, whose key is ${what}, and says whose key it is`, async () => {
        const stranger = unit.open({ slot: 0, epoch: 0 });
        unit.registrations.set(stranger, foreign);
        unit.holder = { nexus: stranger, type: 3 };
        const outcome = await three!.take(7);
        assert.equal(outcome.kind, 'failed');
        const { reason } = outcome as { reason: string };
        assert.ok(
          reason.startsWith(`key 0x${foreign.toString(16).padStart(16, '0')} is registered with`),
          reason,
        );
        assert.equal(unit.holder.nexus, stranger);
        assert.ok(
          three!.sent.every((command) => !['preempt', 'reset'].includes(command)),
          three!.sent.join(),
        );
      });
    }

    it('is not taken from an epoch that may have been claimed meanwhile, which is told', async () => {
      unit.registrations.set(unit.open({ slot: 3, epoch: far }), reservationKey(3, far));
      const outcome = await three!.take(7);
      assert.deepEqual([outcome.kind, (outcome as { grantedEpoch: number }).grantedEpoch], ['refused', far]);
    });

    it('is taken from a doctor that was killed', async () => {
      const doctor = unit.open({ slot: 62, epoch: 0 });
      unit.registrations.set(doctor, TRIAL_KEYS[0]);
      unit.registrations.set(unit.open({ slot: 63, epoch: 0 }), TRIAL_KEYS[1]);
      unit.holder = { nexus: doctor, type: 3 };
      assert.deepEqual(await three!.take(3), { kind: 'granted' });
      assert.equal(unit.registrations.size, 1);
    });

    for (const type of [1, 3, 5, 6, 7, 8]) {
      it(`replaces a reservation of type ${type}`, async () => {
        const old = unit.open({ slot: 2, epoch: 2 });
        unit.registrations.set(old, reservationKey(2, 2));
        unit.holder = { nexus: old, type };
        assert.deepEqual(await three!.take(3), { kind: 'granted' });
        assert.deepEqual([...unit.registrations.keys()], [three!.nexus]);
        assert.deepEqual(unit.holder, { nexus: three!.nexus, type: 3 });
      });
    }
  });
}
