import assert from 'node:assert/strict';
import { compareAndWrite, read16, synchronizeCache16, testUnitReady, write16 } from './block-commands.ts';
import { bytes, hexOf } from './bytes.fixture.ts';
import { readCapacity10, readCapacity16 } from './capacity.ts';
import { inquiry, VPD_PAGE } from './inquiry.ts';
import { modeSense6 } from './mode-sense.ts';
import {
  PR_IN,
  PR_OUT,
  PR_TYPE,
  persistentReserveIn,
  persistentReserveOut,
  registerAndMove,
} from './persistent-reserve.ts';
import { reportLuns } from './report-luns.ts';
import type { ScsiRequest } from './request.ts';
import { reportSupportedOperation } from './supported-operation.ts';

const sector = new Uint8Array(512).fill(7);
const key = 0x0003_0000_0000_002an;
const victim = 0x0001_0000_0000_0029n;
const iscsiPort = bytes('05 00 00 14 69 71 6e 2e 32 30 32 36 2d 31 31 2e 61 3a 62 00*5');

// Each beside its table: SPC-4 for 6, 10 and 12 bytes but READ CAPACITY, SBC-3 for the others.
// prettier-ignore
const requests: readonly [title: string, request: ScsiRequest, cdb: string, dataOut?: string, dataInBytes?: number][] = [
  ['TEST UNIT READY', testUnitReady(), '00 00 00 00 00 00'],
  ['INQUIRY', inquiry(), '12 00 00 00 ff 00', '', 255],
  ['INQUIRY of page 83h', inquiry(VPD_PAGE.DEVICE_IDENTIFICATION, 1024), '12 01 83 04 00 00', '', 1024],
  ['REPORT LUNS', reportLuns(4096), 'a0 00 00 00 00 00 00 00 10 00 00 00', '', 4096],
  ['READ CAPACITY(10)', readCapacity10(), '25 00 00 00 00 00 00 00 00 00', '', 8],
  ['READ CAPACITY(16)', readCapacity16(), '9e 10 00*8 00 00 00 20 00 00', '', 32],
  ['READ(16)', read16(0x1_2345_6789, 0x100, 512), '88 00 00 00 00 01 23 45 67 89 00 00 01 00 00 00', '', 131072],
  ['READ(16) with FUA', read16(8, 1, 4096, { fua: true }), '88 08 00*7 08 00 00 00 01 00 00', '', 4096],
  ['WRITE(16)', write16(2, sector, 512), '8a 00 00*7 02 00 00 00 01 00 00', '07*512'],
  ['WRITE(16) with FUA', write16(2, sector, 512, { fua: true }), '8a 08 00*7 02 00 00 00 01 00 00', '07*512'],
  ['SYNCHRONIZE CACHE(16)', synchronizeCache16(), '91 00*15'],
  ['COMPARE AND WRITE', compareAndWrite(9, new Uint8Array(512), sector, 512, { fua: true }), '89 08 00*7 09 00 00 00 01 00 00', '00*512 07*512'],
  ['MODE SENSE(6)', modeSense6(), '1a 08 08 00 c0 00', '', 192],
  ['REPORT SUPPORTED OPERATION CODES', reportSupportedOperation(0x89), 'a3 0c 01 89 00 00 00 00 00 40 00 00', '', 64],
  ['REPORT SUPPORTED OPERATION CODES of a service action', reportSupportedOperation(0x5f, 5), 'a3 0c 02 5f 00 05 00 00 00 40 00 00', '', 64],
  ['READ KEYS', persistentReserveIn(PR_IN.READ_KEYS), '5e 00 00 00 00 00 00 20 00 00', '', 8192],
  ['READ FULL STATUS', persistentReserveIn(PR_IN.READ_FULL_STATUS, 24), '5e 03 00 00 00 00 00 00 18 00', '', 24],
  ['REGISTER', persistentReserveOut(PR_OUT.REGISTER, { key: victim, serviceActionKey: key, persist: true }),
    '5f 00 00 00 00 00 00 00 18 00', '00 01 00 00 00 00 00 29 00 03 00 00 00 00 00 2a 00*4 01 00 00 00'],
  ['REGISTER AND IGNORE EXISTING KEY', persistentReserveOut(PR_OUT.REGISTER_AND_IGNORE_EXISTING_KEY, { serviceActionKey: key, allTargetPorts: true }),
    '5f 06 00 00 00 00 00 00 18 00', '00*8 00 03 00 00 00 00 00 2a 00*4 04 00 00 00'],
  ['REGISTER for another port', persistentReserveOut(PR_OUT.REGISTER, { serviceActionKey: key, transportIds: [iscsiPort] }),
    '5f 00 00 00 00 00 00 00 34 00', `00*8 00 03 00 00 00 00 00 2a 00*4 08 00 00 00 00 00 00 18 ${hexOf(iscsiPort)}`],
  ['RESERVE', persistentReserveOut(PR_OUT.RESERVE, { key, type: PR_TYPE.EXCLUSIVE_ACCESS }),
    '5f 01 03 00 00 00 00 00 18 00', '00 03 00 00 00 00 00 2a 00*16'],
  ['RELEASE', persistentReserveOut(PR_OUT.RELEASE, { key, type: PR_TYPE.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY }),
    '5f 02 06 00 00 00 00 00 18 00', '00 03 00 00 00 00 00 2a 00*16'],
  ['CLEAR', persistentReserveOut(PR_OUT.CLEAR, { key }), '5f 03 00 00 00 00 00 00 18 00', '00 03 00 00 00 00 00 2a 00*16'],
  ['PREEMPT AND ABORT', persistentReserveOut(PR_OUT.PREEMPT_AND_ABORT, { key, serviceActionKey: victim, type: 3 }),
    '5f 05 03 00 00 00 00 00 18 00', '00 03 00 00 00 00 00 2a 00 01 00 00 00 00 00 29 00*8'],
  ['REGISTER AND MOVE', registerAndMove({ type: 3, key, serviceActionKey: victim, persist: false, unregister: true, relativeTargetPort: 1, transportId: iscsiPort }),
    '5f 07 03 00 00 00 00 00 30 00', `00 03 00 00 00 00 00 2a 00 01 00 00 00 00 00 29 00 02 00 01 00 00 00 18 ${hexOf(iscsiPort)}`],
];

describe('a SCSI request', () => {
  for (const [title, request, cdb, dataOut = '', dataInBytes] of requests) {
    it(`for ${title} is laid out as the standard says`, () => {
      assert.equal(hexOf(request.cdb), hexOf(bytes(cdb)));
      assert.equal(hexOf(request.dataOut ?? new Uint8Array()), hexOf(bytes(dataOut)));
      assert.equal(request.dataInBytes, dataInBytes);
    });
  }
});
