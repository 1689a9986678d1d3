import assert from 'node:assert/strict';
import { RequestFailed } from '../ports/block-device.ts';
import type { ReservableUnit } from '../ports/reservable-unit.ts';
import { watchReservation } from './reservation-watch.ts';

/** Looks once at a unit that answers READ RESERVATION so, and what came of it. */
async function look(answers: (nth: number) => ReturnType<ReservableUnit['readReservation']>) {
  const lost: string[] = [];
  let told = 0;
  let asked = 0;
  const first = Promise.withResolvers<void>();
  const unit = {
    readReservation: () => {
      first.resolve();
      return answers(++asked);
    },
  } as unknown as ReservableUnit;
  const watched = {
    name: 'u',
    path: () => unit,
    lose: (reason: string) => void lost.push(reason),
    told: () => void (told += 1),
  };
  const stop = watchReservation(watched, 7n, 1);
  await first.promise;
  stop();
  // Nothing here waits for anything but promises.
  await new Promise(setImmediate);
  return { lost, asked, told };
}

const attention = () => Promise.reject(new RequestFailed('u: told', 'UNIT ATTENTION 29/00'));

describe('the watch of a reservation', () => {
  it('hears out what the unit has to tell first, and then sees who holds it', async () => {
    const held = Promise.resolve({ key: 8n, type: 3 });
    const seen = await look((nth) => (nth <= 3 ? attention() : held));
    assert.deepEqual(seen, { asked: 4, lost: ['u: the unit is held by 0x0000000000000008 now'], told: 3 });
  });

  it('does not hear out for ever a unit that always has something to tell', async () => {
    let nth = 0;
    // A watch without an end would let nothing else come to its turn, this test included.
    const seen = await look(() => (++nth > 1000 ? Promise.resolve({ key: 7n, type: 3 }) : attention()));
    assert.deepEqual(seen, { asked: 9, lost: [], told: 9 });
  });
});
