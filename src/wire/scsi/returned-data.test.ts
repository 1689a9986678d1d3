import assert from 'node:assert/strict';
import { bytes } from './bytes.fixture.ts';
import { parseCapacity10, parseCapacity16 } from './capacity.ts';
import {
  parseBlockLimits,
  parseDeviceIdentification,
  parseStandardInquiry,
  parseSupportedPages,
  parseUnitSerialNumber,
} from './inquiry.ts';
import { decodeLun, encodeLun } from './lun.ts';
import { parseModeSense6 } from './mode-sense.ts';
import { parseReportLuns } from './report-luns.ts';
import { MalformedScsiData } from './request.ts';
import { parseSupportedOperation } from './supported-operation.ts';

const text = (words: string): string =>
  [...Buffer.from(words, 'latin1')].map((byte) => byte.toString(16)).join(' ');

describe('what a logical unit returns', () => {
  it('names its maker: fields of ASCII without their padding, and nothing a terminal would obey', () => {
    const head = '00 00 05 02 42 00 01 02';
    assert.deepEqual(parseStandardInquiry(bytes(`${head} ${text('IET     VIRTUAL-DISK    0001')} 00*30`)), {
      qualifier: 0,
      deviceType: 0,
      version: 5,
      vendor: 'IET',
      product: 'VIRTUAL-DISK',
      revision: '0001',
    });
    const hostile = parseStandardInquiry(
      bytes(`7f 00 06 02 1f 00 00 00 ${text('\u001b[31mIET')} 00*16 ff*4`),
    );
    assert.deepEqual([hostile.qualifier, hostile.deviceType, hostile.vendor], [3, 0x1f, '?[31mIET']);
    assert.equal(hostile.revision, '????');
  });

  it('lists its pages and its serial number', () => {
    assert.deepEqual(parseSupportedPages(bytes('00 00 00 04 00 80 83 b0 ff ff')), [0, 0x80, 0x83, 0xb0]);
    assert.equal(parseUnitSerialNumber(bytes(`00 80 00 0a ${text('  disk-1  ')}`)), 'disk-1');
    assert.throws(() => parseUnitSerialNumber(bytes('00 83 00 04 01 02 03 04')), {
      name: 'MalformedScsiData',
      message: 'INQUIRY page 80h returned page 83h',
    });
  });

  it('identifies itself by designators', () => {
    const naa = '01 03 00 08 60 00 00 00 00 00 00 01';
    const port = '53 98 00 04 61 3a 62 00';
    assert.deepEqual(parseDeviceIdentification(bytes(`00 83 00 14 ${naa} ${port}`)), [
      { association: 0, type: 3, codeSet: 1, designator: bytes('60 00*6 01') },
      { association: 1, type: 8, codeSet: 3, designator: bytes('61 3a 62 00') },
    ]);
    assert.throws(() => parseDeviceIdentification(bytes('00 83 00 04 01 03 00 08')), MalformedScsiData);
  });

  it('has limits; a short page has none', () => {
    const page = '00 b0 00 3c 00 01 00 08 00 00 04 00 00 00 02 00 00*48';
    assert.deepEqual(parseBlockLimits(bytes(page)), {
      compareAndWriteBlocks: 1,
      optimalGranularityBlocks: 8,
      maximumTransferBlocks: 1024,
      optimalTransferBlocks: 512,
    });
    assert.equal(parseBlockLimits(bytes('00 b0 00 02 00 01')).maximumTransferBlocks, 0);
  });

  it('has a capacity, which is one more than its last block', () => {
    const long = bytes('00 00 00 00 00 00 07 ff 00 00 02 00 00 03 c0 00 00*16');
    assert.deepEqual(parseCapacity16(long), {
      blocks: 2048,
      blockBytes: 512,
      physicalBlockBytes: 4096,
      thin: true,
    });
    assert.equal(parseCapacity10(bytes('00 00 07 ff 00 00 10 00')).blocks, 2048);
    assert.equal(parseCapacity10(bytes('00 00 07 ff 00 00 10 00')).blockBytes, 4096);
  });

  for (const [title, data] of [
    ['that ends too soon', '00 00 00 00 00 00 07 ff 00 00'],
    ['with blocks of nothing', '00*6 07 ff 00 00 00 00 00*20'],
    ['that no number holds', 'ff*8 00 00 02 00 00*20'],
  ] as const) {
    it(`has no capacity ${title}: that is malformed`, () => {
      assert.throws(() => parseCapacity16(bytes(data)), MalformedScsiData);
    });
  }

  it('says when the shorter command cannot say its capacity', () => {
    assert.throws(() => parseCapacity10(bytes('ff ff ff ff 00 00 02 00')), /too large for it/);
  });

  it('lists the units of a target, and says when the list is cut off', () => {
    const units = '00*8 00 01 00*6 40 ff 00*6 c1 01 00*6';
    assert.deepEqual(parseReportLuns(bytes(`00 00 00 20 00*4 ${units}`)), {
      luns: [0, 1, 255],
      complete: true,
    });
    assert.deepEqual(parseReportLuns(bytes('00 00 00 20 00*4 00*8 00 01 00*6')), {
      luns: [0, 1],
      complete: false,
    });
    assert.throws(() => parseReportLuns(bytes('00 00 00')), MalformedScsiData);
  });

  it('says whether it is write-protected, takes FUA and answers from a cache', () => {
    const caching = '08 12 14 00*17';
    assert.deepEqual(parseModeSense6(bytes(`17 00 10 00 ${caching}`)), {
      writeProtected: false,
      forcedUnitAccess: true,
      writeCache: true,
    });
    const descriptor = '00*8';
    const control = '0a 0a 00*10';
    const subpage = '59 01 00 02 00 00';
    const all = bytes(`33 00 80 08 ${descriptor} ${control} ${subpage} 08 12 10 00*17`);
    assert.deepEqual(parseModeSense6(all), {
      writeProtected: true,
      forcedUnitAccess: false,
      writeCache: false,
    });
    assert.equal(parseModeSense6(bytes('03 00 00 00')).writeCache, undefined);
    assert.throws(() => parseModeSense6(bytes('03 00 00')), MalformedScsiData);
  });

  it('supports a command as the standard has it, or does not, or cannot tell', () => {
    assert.equal(parseSupportedOperation(bytes('00 03 00 10 89 00*15')), 'yes');
    assert.equal(parseSupportedOperation(bytes('00 01 00 00')), 'no');
    assert.equal(parseSupportedOperation(bytes('00 05 00 10 89 00*15')), 'no');
    assert.equal(parseSupportedOperation(bytes('00 00 00 00')), 'unknown');
  });
});

describe('a LUN', () => {
  for (const [lun, layout] of [
    [0, '00 00 00*6'],
    [1, '00 01 00*6'],
    [255, '00 ff 00*6'],
    [256, '41 00 00*6'],
    [16383, '7f ff 00*6'],
  ] as const) {
    it(`${lun} is ${layout}`, () => {
      assert.deepEqual(encodeLun(lun), bytes(layout));
      assert.equal(decodeLun(bytes(layout)), lun);
    });
  }

  it('has no plain number on a lower level, or as a well-known unit', () => {
    assert.equal(decodeLun(bytes('00 01 00 01 00*4')), undefined);
    assert.equal(decodeLun(bytes('c1 01 00*6')), undefined);
    assert.equal(decodeLun(bytes('01 01 00*6')), undefined);
  });
});
