import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  addressIn,
  BENCHMARK_RANGE,
  chooseSubnet,
  countFree,
  formatSubnet,
  overlap,
  parseSubnet,
  type Subnet,
} from './subnets.ts';

const subnet = (text: string): Subnet => parseSubnet(text)!;

describe('the subnets of a lab', () => {
  it('are read and written in the usual form, by their first address', () => {
    assert.equal(formatSubnet(subnet('198.18.7.9/24')), '198.18.7.0/24');
    assert.equal(addressIn(subnet('198.18.7.0/24'), 11), '198.18.7.11');
    assert.equal(formatSubnet(BENCHMARK_RANGE), '198.18.0.0/15');
    assert.equal(formatSubnet(subnet('255.255.255.255/32')), '255.255.255.255/32');
    for (const text of ['', 'fd00::/8', '198.18.7.0', '198.18.7.256/24', '1.2.3.4/33']) {
      assert.equal(parseSubnet(text), undefined, text);
    }
  });

  // prettier-ignore
  const cases: [string, string, boolean][] = [
    ['198.18.7.0/24',  '198.18.7.0/24',  true],
    ['198.18.7.0/24',  '198.18.8.0/24',  false],
    ['198.18.7.0/24',  '198.18.7.128/25', true],
    ['198.18.0.0/16',  '198.18.200.0/24', true],
    ['198.19.0.0/16',  '198.18.255.0/24', false],
    ['0.0.0.0/0',      '198.18.7.0/24',  true],
  ];
  for (const [a, b, expected] of cases) {
    it(`${expected ? 'overlap' : 'do not overlap'}: ${a} and ${b}`, () => {
      assert.equal(overlap(subnet(a), subnet(b)), expected);
      assert.equal(overlap(subnet(b), subnet(a)), expected);
    });
  }

  it('are free, and inside 198.18.0.0/15, whatever is taken and wherever the search starts', () => {
    const taken = fc.array(fc.record({ index: fc.nat(511), bits: fc.integer({ min: 20, max: 28 }) }), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(taken, fc.nat(), (blocks, start) => {
        const others = blocks.map(({ index, bits }) =>
          subnet(`198.${18 + (index >> 8)}.${index & 255}.0/${bits}`),
        );
        const chosen = chooseSubnet(others, start)!;
        assert.ok(overlap(chosen, BENCHMARK_RANGE));
        for (const other of others) assert.ok(!overlap(chosen, other), formatSubnet(other));
      }),
    );
  });

  // prettier-ignore
  const counts: [string, number][] = [
    ['10.0.0.0/8',       512],
    ['198.18.7.128/25',  511],
    ['198.18.0.0/16',    256],
    ['198.18.0.0/15',      0],
    ['0.0.0.0/0',          0],
  ];
  for (const [taken, free] of counts) {
    it(`are ${free} of 512 where ${taken} is taken`, () => {
      assert.deepEqual(countFree([subnet(taken), subnet(taken)]), { free, of: 512 });
    });
  }

  it('start their search where they are told, and go round', () => {
    assert.equal(formatSubnet(chooseSubnet([], 511)!), '198.19.255.0/24');
    assert.equal(formatSubnet(chooseSubnet([subnet('198.19.255.0/24')], 511)!), '198.18.0.0/24');
  });

  it('are none when the whole range is taken', () => {
    assert.equal(chooseSubnet([BENCHMARK_RANGE], 3), undefined);
  });
});
