import assert from 'node:assert/strict';
import { failureOf, parseReadKeys, parseReadReservation } from './sg-output.ts';

/** As sg_persist 0.67 (sg3-utils 1.46) prints it, with and without the INQUIRY before it. */
const TWO_KEYS = `  LIO-ORG   block0            4.0 
  Peripheral device type: disk
  PR generation=0x1f, 2 registered reservation keys follow:
    0x1000000000007
    0x2
`;
const ONE_KEY = '  PR generation=0x1, 1 registered reservation key follows:\n    0x123abc\n\n';
const NO_KEYS = '  PR generation=0x0, there are NO registered reservation keys\n';
const HELD = `  PR generation=0x1f, Reservation follows:
    Key=0x1000000000007
    scope: LU_SCOPE,  type: Exclusive Access
`;
const NOT_HELD = '  PR generation=0x1f, there is NO reservation held\n';

describe('what sg_persist prints', () => {
  it('names every registration, and the same key as often as it stands there', () => {
    assert.deepEqual(parseReadKeys(TWO_KEYS), { generation: 31, keys: [0x1000000000007n, 2n] });
    assert.deepEqual(parseReadKeys(ONE_KEY), { generation: 1, keys: [0x123abcn] });
    assert.deepEqual(parseReadKeys(NO_KEYS), { generation: 0, keys: [] });
    const same = ONE_KEY.replace('1 registered reservation key', '2 registered reservation keys').trimEnd();
    assert.deepEqual(parseReadKeys(`${same}\n    0x123abc\n`).keys, [0x123abcn, 0x123abcn]);
  });

  it('names who holds the unit, and how', () => {
    assert.deepEqual(parseReadReservation(HELD), { key: 0x1000000000007n, type: 3 });
    assert.equal(parseReadReservation(NOT_HELD), undefined);
    for (const [name, type] of [
      ['Write Exclusive', 1],
      ['Write Exclusive, registrants only', 5],
      ['Exclusive Access, registrants only', 6],
      ['Exclusive Access, all registrants', 8],
    ] as const) {
      assert.equal(parseReadReservation(HELD.replace('Exclusive Access', name))?.type, type);
    }
  });

  it('is never guessed at', () => {
    for (const text of ['', 'sg_persist: something else', TWO_KEYS.replace('2 registered', '3 registered')]) {
      assert.throws(() => parseReadKeys(text), { code: 'EIO' });
    }
    for (const text of [
      '',
      HELD.replace('LU_SCOPE', '0x2'),
      HELD.replace('Exclusive Access', 'obsolete [4]'),
    ]) {
      assert.throws(() => parseReadReservation(text), { code: 'EIO' });
    }
  });

  it('comes with an exit status that says what the unit answered', () => {
    const code = (exitCode: number, stderr = '') =>
      failureOf('/dev/sda: x', { exitCode, stdout: '', stderr }).code;
    assert.equal(code(24, 'PR out (Preempt): Reservation conflict'), 'RESERVATION CONFLICT');
    assert.equal(code(6, 'PR in (Read keys): Unit attention'), 'UNIT ATTENTION 29/00');
    assert.equal(code(6, 'Additional sense: Registrations preempted'), 'UNIT ATTENTION 2A/05');
    assert.equal(code(6, 'Additional sense: Reservations preempted'), 'UNIT ATTENTION 2A/03');
    assert.equal(code(5), 'ILLEGAL REQUEST 24/00');
    assert.equal(code(99), 'EIO');
  });

  it('is told in one line', () => {
    const end = {
      exitCode: 15,
      stdout: '',
      stderr: 'sg_persist: error opening file /dev/x (rw): No such file\nmore\n',
    };
    assert.equal(
      failureOf('/dev/x: sg_persist --read-keys', end).message,
      '/dev/x: sg_persist --read-keys failed with EIO: sg_persist: error opening file /dev/x (rw): No such file',
    );
  });
});
