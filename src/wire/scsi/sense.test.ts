import assert from 'node:assert/strict';
import { bytes } from './bytes.fixture.ts';
import { describeSense, parseSense, SENSE_KEY } from './sense.ts';
import { SCSI_STATUS, scsiStatusName } from './status.ts';

describe('sense data', () => {
  it('in the fixed format has its code at 12, and information when that is valid', () => {
    const miscompare = bytes('f0 00 0e 00 00 01 04 0a 00*4 1d 00 00*4');
    assert.deepEqual(parseSense(miscompare), {
      key: SENSE_KEY.MISCOMPARE,
      asc: 0x1d,
      ascq: 0,
      deferred: false,
      information: 260n,
    });
    assert.deepEqual(parseSense(bytes('70 00 06 00 00 01 04 0a 00*4 2a 03 00*4')), {
      key: SENSE_KEY.UNIT_ATTENTION,
      asc: 0x2a,
      ascq: 3,
      deferred: false,
    });
  });

  it('in the descriptor format has its code at 2, and information in a descriptor', () => {
    const vendor = '80 02 00 00';
    const information = '00 0a 80 00 00 00 00 01 00 00 00 00';
    assert.deepEqual(parseSense(bytes(`72 0e 1d 00 00 00 00 10 ${vendor} ${information}`)), {
      key: SENSE_KEY.MISCOMPARE,
      asc: 0x1d,
      ascq: 0,
      deferred: false,
      information: 1n << 32n,
    });
    const cutOff = bytes('73 03 0c 00 00 00 00 0c 00 0a 80 00');
    assert.deepEqual(parseSense(cutOff), { key: 3, asc: 0x0c, ascq: 0, deferred: true });
  });

  it('does not run on for ever through descriptors, nor past its end', () => {
    assert.deepEqual(parseSense(bytes('72 05 24 00 00 00 00 ff 09 00 09 00')), {
      key: 5,
      asc: 0x24,
      ascq: 0,
      deferred: false,
    });
  });

  it('that was cut off after its key is that key', () => {
    assert.deepEqual(parseSense(bytes('70 00 05')), { key: 5, asc: 0, ascq: 0, deferred: false });
  });

  it('that is none, or of a vendor, is undefined', () => {
    for (const data of ['70 00', '7f 00 05 00*15', '00 00 00 00', '']) {
      assert.equal(parseSense(bytes(data)), undefined);
    }
  });

  it('is shown in words where there are some', () => {
    const shown = (data: string): string => describeSense(parseSense(bytes(data))!);
    assert.equal(shown('70 00 06 00*5 00*4 2a 03'), 'UNIT ATTENTION 2Ah/03h (reservations preempted)');
    assert.equal(shown('71 00 03 00*5 00*4 0c 00'), 'deferred MEDIUM ERROR 0Ch/00h (write error)');
    assert.equal(shown('70 00 0c 00*5 00*4 80 01'), 'sense key 0Ch 80h/01h');
  });
});

describe('a SCSI status', () => {
  it('has the name the architecture gives it', () => {
    assert.equal(scsiStatusName(SCSI_STATUS.RESERVATION_CONFLICT), 'RESERVATION CONFLICT');
    assert.equal(scsiStatusName(0x18), 'RESERVATION CONFLICT');
    assert.equal(scsiStatusName(0x28), 'TASK SET FULL');
    assert.equal(scsiStatusName(0x22), 'status 22h');
  });
});
