import assert from 'node:assert/strict';
import type { WorldLine } from '../engines/engine.ts';
import { isLiteralHeartbeat } from './literal-heartbeat.ts';

const write = (of: { beganAt?: number; epoch?: number; node?: string; outcome?: string }): WorldLine => {
  const { beganAt = 100, epoch = 0, node = 'server-1', outcome = 'ok' } = of;
  const where = { connection: 1, peer: '', offset: 512, length: 512 };
  const record = { status: 1, node, epoch, count: 1 };
  return {
    from: 'storage',
    line: { v: 1, n: 0, t: beganAt + 1, event: 'quorum-write', ...where, beganAt, outcome, record },
  };
};
const isHeartbeat = (line: WorldLine) => isLiteralHeartbeat(line, 'server-1', 100);

describe('a heartbeat by the published method', () => {
  it('is a record of this owner that was carried out since', () => {
    assert.ok(isHeartbeat(write({})));
    assert.ok(!isHeartbeat(write({ beganAt: 99 })));
    assert.ok(!isHeartbeat(write({ node: 'server-2' })));
    assert.ok(!isHeartbeat(write({ outcome: 'EIO' })));
  });

  it('is none of a server that has an epoch: its journal has to say that it lives', () => {
    assert.ok(!isHeartbeat(write({ epoch: 3 })));
  });
});
