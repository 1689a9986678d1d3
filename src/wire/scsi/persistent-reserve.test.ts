import assert from 'node:assert/strict';
import { bytes } from './bytes.fixture.ts';
import {
  parseFullStatus,
  parseKeys,
  parseReservation,
  parseReservationCapabilities,
  parseReserveOut,
} from './persistent-reserve-data.ts';
import { PR_OUT, persistentReserveOut, registerAndMove, reservationTypeName } from './persistent-reserve.ts';
import { MalformedScsiData } from './request.ts';

const transportId = bytes('05 00 00 08 69 71 6e 2e 61 3a 62 00');

describe('persistent reservations', () => {
  it('have the keys that are registered, once for each nexus', () => {
    assert.deepEqual(parseKeys(bytes('00 00 00 07 00 00 00 10 00 01 00*5 29 00 01 00*5 29 ff*8')), {
      generation: 7,
      keys: [0x0001_0000_0000_0029n, 0x0001_0000_0000_0029n],
      complete: true,
    });
    assert.deepEqual(parseKeys(bytes('00*4 00 00 00 10 00*7 01')), {
      generation: 0,
      keys: [1n],
      complete: false,
    });
    assert.throws(() => parseKeys(bytes('00*4 00 00 00')), MalformedScsiData);
  });

  it('have a holder, or none', () => {
    assert.deepEqual(parseReservation(bytes('00 00 00 09 00 00 00 10 00 03 00*5 2a 00*4 00 03 00 00')), {
      generation: 9,
      held: { key: 0x0003_0000_0000_002an, type: 3, scope: 0 },
    });
    assert.deepEqual(parseReservation(bytes('00 00 00 09 00 00 00 00')), { generation: 9, held: undefined });
    assert.throws(() => parseReservation(bytes('00*4 00 00 00 10 00*8')), MalformedScsiData);
  });

  it('have capabilities, and types where the unit says so', () => {
    assert.deepEqual(parseReservationCapabilities(bytes('00 08 0d 81 ea 01 00 00')), {
      canPersist: true,
      persists: true,
      allTargetPorts: true,
      specifiesInitiators: true,
      types: [1, 3, 5, 6, 7, 8],
    });
    const silent = parseReservationCapabilities(bytes('00 08 00 00 ea 01 00 00'));
    assert.deepEqual([silent.canPersist, silent.types], [false, undefined]);
  });

  it('have a full status for each registration', () => {
    const one = '00*7 2a 00*4 01 03 00*4 00 01 00 00 00 0c 05 00 00 08 69 71 6e 2e 61 3a 62 00';
    const other = '00*7 29 00*4 02 00 00*4 00 02 00 00 00 00';
    const { registrations } = parseFullStatus(bytes(`00 00 00 01 00 00 00 3c ${one} ${other}`));
    assert.deepEqual(registrations, [
      {
        key: 0x2an,
        holder: true,
        type: 3,
        scope: 0,
        allTargetPorts: false,
        relativeTargetPort: 1,
        transportId,
      },
      {
        key: 0x29n,
        holder: false,
        type: 0,
        scope: 0,
        allTargetPorts: true,
        relativeTargetPort: 2,
        transportId: new Uint8Array(),
      },
    ]);
  });

  it('are changed by lists that a tap reads as they were meant', () => {
    const parameters = {
      type: 3,
      key: 0x2an,
      serviceActionKey: 0x29n,
      persist: false,
      allTargetPorts: true,
      transportIds: [transportId, bytes('06 00*23')],
    };
    const { cdb, dataOut } = persistentReserveOut(PR_OUT.PREEMPT, parameters);
    assert.deepEqual(parseReserveOut(cdb, dataOut!), { serviceAction: PR_OUT.PREEMPT, ...parameters });
    assert.throws(() => parseReserveOut(cdb, dataOut!.subarray(0, 20)), MalformedScsiData);
    assert.throws(() => parseReserveOut(cdb, dataOut!.subarray(0, -1)), MalformedScsiData);
  });

  it('are moved by a list of another kind, which is not mistaken for theirs', () => {
    const { cdb, dataOut } = registerAndMove({
      type: 3,
      key: 1n,
      serviceActionKey: 2n,
      persist: true,
      unregister: false,
      relativeTargetPort: 1,
      transportId,
    });
    assert.equal(parseReserveOut(cdb, dataOut!), undefined);
  });

  it('with a TransportID that is longer than its list are malformed', () => {
    const list = bytes('00*8 00*8 00*4 08 00 00 00 00 00 00 04 05 00 00 08');
    assert.throws(() => parseReserveOut(bytes('5f 00 00*8'), list), /cut off/);
  });

  it('have types with names', () => {
    assert.equal(reservationTypeName(3), 'exclusive access');
    assert.equal(reservationTypeName(2), 'type 2');
  });
});
