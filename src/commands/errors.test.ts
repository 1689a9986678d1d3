import assert from 'node:assert/strict';
import { ConfigurationError } from '../config/agent-config.ts';
import { DeviceUnusable, OutcomeUnknown, RequestFailed } from '../ports/block-device.ts';
import { CommandError, failureOf } from './errors.ts';

describe('failureOf', () => {
  // prettier-ignore
  const ROWS: readonly (readonly [string, Error, number, readonly string[]])[] = [
    ['a command that gave up',      new CommandError('no', 3),                3,  ['no']],
    ['a configuration, line by line', new ConfigurationError(['a', 'b']),     64, ['a', 'b']],
    ['a device that cannot be used', new DeviceUnusable('too small'),         3,  ['too small']],
    ['storage that said no',        new RequestFailed('write failed', 'EIO'), 3,  ['write failed']],
    ['storage that did not answer', new OutcomeUnknown('no answer'),          3,  ['no answer']],
    ['the operating system',        Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE', syscall: 'listen' }), 3, ['listen EADDRINUSE']],
  ];
  for (const [what, error, exitCode, lines] of ROWS) {
    it(`ends with ${exitCode} for ${what}`, () => {
      assert.deepEqual(failureOf(error), { exitCode, lines });
    });
  }

  it('shows the stack of a bug of our own, and ends with 1', () => {
    const failure = failureOf(new TypeError('x is not a function'));
    assert.equal(failure.exitCode, 1);
    assert.match(failure.lines.join('\n'), /^internal error: TypeError: x is not a function\n\s+at /);
    assert.deepEqual(failureOf('thrown'), { exitCode: 1, lines: ['internal error: thrown'] });
  });
});
