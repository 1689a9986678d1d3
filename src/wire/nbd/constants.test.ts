import assert from 'node:assert/strict';
import {
  NBD_MAGIC,
  NBD_OPTS_MAGIC,
  NBD_REP_ERR,
  nbdErrorName,
  nbdErrorValue,
  nbdRefusalName,
} from './constants.ts';

// prettier-ignore
const errors = [
  // errno          number  name back     why
  [ 'EPERM',        1,      'EPERM',      'the protocol has it' ],
  [ 'EIO',          5,      'EIO',        'the protocol has it' ],
  [ 'ENOMEM',       12,     'ENOMEM',     'the protocol has it' ],
  [ 'EINVAL',       22,     'EINVAL',     'the protocol has it' ],
  [ 'ENOSPC',       28,     'ENOSPC',     'the protocol has it' ],
  [ 'EOVERFLOW',    75,     'EOVERFLOW',  'the protocol has it' ],
  [ 'ENOTSUP',      95,     'ENOTSUP',    'the protocol has it' ],
  [ 'ESHUTDOWN',    108,    'ESHUTDOWN',  'the protocol has it' ],
  [ 'EDQUOT',       28,     'ENOSPC',     'no space for this user is no space' ],
  [ 'EFBIG',        28,     'ENOSPC',     'no space in this file is no space' ],
  [ 'EROFS',        1,      'EPERM',      'writing is not permitted' ],
  [ 'EACCES',       1,      'EPERM',      'not permitted' ],
  [ 'EOPNOTSUPP',   95,     'ENOTSUP',    'two names of one number' ],
  [ 'ESTALE',       5,      'EIO',        'no number for it' ],
  [ 'constructor',  5,      'EIO',        'not an errno, and no property of a table either' ],
] as const;

describe('NBD error values', () => {
  for (const [errno, value, name, why] of errors) {
    it(`${errno} is ${value} (${name}): ${why}`, () => {
      assert.equal(nbdErrorValue(errno), value);
      assert.equal(nbdErrorName(value), name);
    });
  }

  it('count as EINVAL when the protocol does not have them', () => assert.equal(nbdErrorName(2), 'EINVAL'));
});

describe('NBD names', () => {
  it('of the magic numbers are their ASCII', () => {
    const ascii = (value: bigint): string => Buffer.from(value.toString(16), 'hex').toString('latin1');
    assert.equal(ascii(NBD_MAGIC), 'NBDMAGIC');
    assert.equal(ascii(NBD_OPTS_MAGIC), 'IHAVEOPT');
  });

  it('of refusals are those of the text, and the number where it has none', () => {
    assert.equal(nbdRefusalName(NBD_REP_ERR.POLICY), 'NBD_REP_ERR_POLICY');
    assert.equal(nbdRefusalName(2 ** 31 + 6), 'NBD_REP_ERR_UNKNOWN');
    assert.equal(nbdRefusalName(2 ** 31 + 77), 'NBD_REP_ERR 77');
  });
});
