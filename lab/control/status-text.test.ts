import assert from 'node:assert/strict';
import type { HandServer, HandStatus } from './hand-lab.ts';
import { statusText } from './status-text.ts';

const server = (name: string, more: Partial<HandServer>): HandServer => ({
  ...{ server: name, role: 'standby', epoch: 0, serving: false, blind: false, pausedBy: '', processes: 3 },
  ...more,
});
const status = (more: Partial<HandStatus>): HandStatus => ({
  ...{ lab: '01234567', engine: 'process', storage: 'tgt', directory: '/d', pid: 1, servers: [], faults: [] },
  ...more,
});

describe('what `lab status` says', () => {
  it('is not taken for two active servers when one of them is frozen', () => {
    const frozen = { id: 3, fault: 'pause', target: 'server-1', silences: true, healed: false };
    const servers = [
      server('server-1', { role: 'active', epoch: 8, serving: true }),
      server('server-2', { role: 'active', epoch: 13, serving: true }),
      server('server-3', { epoch: 4, blind: true }),
      server('server-4', { role: 'off', processes: 0 }),
    ];
    assert.deepEqual(statusText(status({ servers, faults: [frozen] })).split('\n'), [
      'lab 01234567 on process, over tgt',
      '  server-1   active      epoch 8  serving  as before fault 3',
      '  server-2   active      epoch 13  serving',
      '  server-3   standby     BLIND',
      '  server-4   off         no process',
      '  fault 3: pause server-1',
    ]);
  });

  it('leaves out faults that are healed', () => {
    const faults = [
      { id: 1, fault: 'pause', target: 'server-1', silences: true, healed: true },
      { id: 2, fault: 'slow-disk', target: 'storage', silences: false, healed: false },
    ];
    const text = statusText(status({ servers: [server('server-1', {})], faults }));
    assert.deepEqual(text.split('\n').slice(1), ['  server-1   standby', '  fault 2: slow-disk storage']);
  });
});
