import assert from 'node:assert/strict';
import type { WorldLine } from '../engines/engine.ts';
import { changesSeen, slotSeen } from './seen-alive.ts';

describe('who has seen whom alive', () => {
  const who = { of: '127.0.0.2', by: 'server-1' };

  it('counts the changes of this epoch alone, and those of an owner', () => {
    const lines = [
      change('server-2', 1, 3),
      change('server-2', 0, 3),
      change('server-2', 1, 2),
      change('server-3', 1, 3),
    ];
    assert.equal(changesSeen(lines, 'server-2', 3), 1);
  });

  it('holds a slot for seen to move when the owner read after each of two writes', () => {
    assert.equal(slotSeen([slot(10), lease(11), slot(20), lease(21)], who), true);
  });

  it('takes two writes before one read for one: it was never seen to move', () => {
    assert.equal(slotSeen([slot(10), slot(12), lease(13), lease(14)], who), false);
  });

  it('takes no read that began before the write was through', () => {
    assert.equal(slotSeen([slot(10), lease(11), slot(20), lease(19)], who), false);
  });

  it('takes no write of the record, of another server, nor a heartbeat of another owner', () => {
    const others = [slot(20, { offset: 512 }), slot(20, { peer: '127.0.0.3' })];
    for (const other of others) assert.equal(slotSeen([slot(10), lease(11), other, lease(21)], who), false);
    assert.equal(slotSeen([slot(10), lease(11), slot(20), lease(21, 'server-3')], who), false);
  });
});

function change(server: string, status: number, epoch: number): WorldLine {
  return {
    from: 'server',
    server,
    line: { event: 'observed-change', status, epoch },
  } as unknown as WorldLine;
}

function slot(t: number, other: { offset?: number; peer?: string } = {}): WorldLine {
  const line = { event: 'quorum-write', peer: '127.0.0.2', offset: 1024, t, ...other };
  return { from: 'storage', line } as unknown as WorldLine;
}

function lease(startedAt: number, server = 'server-1'): WorldLine {
  return { from: 'server', server, line: { event: 'lease', startedAt } } as unknown as WorldLine;
}
