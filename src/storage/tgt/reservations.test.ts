import assert from 'node:assert/strict';
import { PR_OUT, PR_TYPE } from '../../wire/scsi/persistent-reserve.ts';
import { Reservations } from './reservations.ts';

type Step = [
  connection: number,
  action: keyof typeof PR_OUT,
  key: bigint,
  serviceActionKey?: bigint,
  type?: number,
];

function after(...steps: Step[]): Reservations {
  const reservations = new Reservations();
  for (const [connection, action, key, serviceActionKey = 0n, type = PR_TYPE.EXCLUSIVE_ACCESS] of steps) {
    reservations.answeredGood(connection, { serviceAction: PR_OUT[action], type, key, serviceActionKey });
  }
  return reservations;
}

describe('reservations, by the answers GOOD', () => {
  const one: Step[] = [
    [1, 'REGISTER', 0n, 6n],
    [1, 'RESERVE', 6n],
  ];

  it('registered is not held', () => {
    assert.equal(after([1, 'REGISTER', 0n, 6n]).holder, null);
    assert.ok(after(...one).isHeldBy(1));
    assert.ok(!after(...one, [2, 'REGISTER', 0n, 6n]).isHeldBy(2), 'not by the same key either');
  });

  it('a preempt of the holder’s key takes the reservation, and its registration', () => {
    const taken = after(...one, [2, 'REGISTER', 0n, 7n], [2, 'PREEMPT', 7n, 6n]);
    assert.deepEqual(taken.holder, { connection: 2, key: 7n, type: 3 });
    assert.equal(taken.keyOf(1), undefined);
  });

  it('a preempt of one’s own key takes it from a former session', () => {
    const taken = after(...one, [2, 'REGISTER', 0n, 6n], [2, 'PREEMPT', 6n, 6n]);
    assert.ok(taken.isHeldBy(2));
    assert.equal(taken.keyOf(1), undefined);
  });

  it('a preempt of another key takes that registration alone', () => {
    const rest = after(...one, [2, 'REGISTER', 0n, 7n], [3, 'REGISTER', 0n, 8n], [3, 'PREEMPT', 8n, 7n]);
    assert.deepEqual([rest.holder?.connection, rest.keyOf(2)], [1, undefined]);
  });

  it('release, clear, and a holder that unregisters, leave nobody', () => {
    for (const last of [
      [1, 'RELEASE', 6n],
      [2, 'CLEAR', 7n],
      [1, 'REGISTER', 6n, 0n],
    ] as Step[]) {
      assert.equal(after(...one, [2, 'REGISTER', 0n, 7n], last).holder, null);
    }
    assert.ok(after(...one, [2, 'REGISTER', 0n, 7n], [2, 'RELEASE', 7n]).isHeldBy(1), 'not that of another');
  });

  it('a holder may register anew, under another key', () => {
    assert.equal(after(...one, [1, 'REGISTER', 6n, 9n]).holder?.key, 9n);
  });

  it('with a type for registrants everybody who is registered is let in', () => {
    const type = PR_TYPE.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY;
    const shared = after([1, 'REGISTER', 0n, 6n], [2, 'REGISTER', 0n, 6n], [1, 'RESERVE', 6n, 0n, type]);
    assert.ok(shared.isHeldBy(1) && shared.isHeldBy(2) && !shared.isHeldBy(3));
  });
});
