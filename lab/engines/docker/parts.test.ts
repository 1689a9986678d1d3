import assert from 'node:assert/strict';
import { ownProcesses, parseProcesses, partOf } from './parts.ts';

const listing = `
      1       0 Ss   /sbin/docker-init -- sh -c ...
      7       1 Sl   node /app/src/commands/main.js run -c /run/arbiter/agent.yaml
     18       7 Tl   node /app/src/host/guard.js
     29      18 Ssl  node /app/lab/workload/ledger.js --listen 0.0.0.0:7000
     41      29 Z    [sh] <defunct>
     50       0 Ss   timeout -s KILL 10 ps -eo pid,ppid,stat,args
     51      50 R    ps -eo pid,ppid,stat,args
`;

describe('the processes of a server', () => {
  const processes = parseProcesses(listing);

  it('are read from ps, whatever is in their arguments', () => {
    assert.equal(processes.length, 7);
    assert.deepEqual(processes[3], {
      pid: 29,
      parent: 18,
      state: 'Ssl',
      command: 'node /app/lab/workload/ledger.js --listen 0.0.0.0:7000',
    });
  });

  it("are what grew from its first process: not Docker's init, not the dead, not visitors", () => {
    assert.deepEqual(
      ownProcesses(processes, 1).map(({ pid }) => pid),
      [7, 18, 29],
    );
  });

  it('are agent, guard and service', () => {
    assert.deepEqual(ownProcesses(processes, 1).map(partOf), ['agent', 'guard', 'service']);
  });

  it('are found in any order of the listing', () => {
    assert.equal(ownProcesses(processes.toReversed(), 1).length, 3);
  });
});
