import assert from 'node:assert/strict';
import { addressText, namingTheTap } from './portal-text.ts';

describe('where the target is said to be', () => {
  const named = (text: string): string | undefined => {
    const changed = namingTheTap(Buffer.from(text), 40001, '10.0.0.1:3260');
    return changed === undefined ? undefined : Buffer.from(changed).toString();
  };
  // prettier-ignore
  const rows: readonly [text: string, becomes: string | undefined][] = [
    ['TargetName=x\0TargetAddress=127.0.0.1:40001,1\0', 'TargetName=x\0TargetAddress=10.0.0.1:3260,1\0'],
    ['TargetAddress=127.0.0.1:40001\0',                 'TargetAddress=10.0.0.1:3260\0'],
    ['TargetAddress=127.0.0.1:40001',                   'TargetAddress=10.0.0.1:3260'],
    ['TargetAddress=127.0.0.1:400011,1\0',              undefined],
    ['TargetAddress=127.0.0.1:4000,1\0',                undefined],
    ['XTargetAddress=127.0.0.1:40001,1\0',              undefined],
    ['TargetAddress=10.0.0.9:40001,1\0',                undefined],
  ];
  for (const [text, becomes] of rows) {
    it(`${JSON.stringify(text)} ${becomes === undefined ? 'stays' : 'is changed'}`, () =>
      assert.equal(named(text), becomes));
  }

  it('an address of IPv6 stands in brackets, one of IPv4 does not, mapped or not', () => {
    assert.equal(addressText('::1', 3260), '[::1]:3260');
    assert.equal(addressText('::ffff:10.0.0.1', 3260), '10.0.0.1:3260');
    assert.equal(addressText('10.0.0.1', 3260), '10.0.0.1:3260');
  });
});
