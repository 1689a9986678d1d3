import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { MARK, marked, partOf, send, signalUntil } from './marked-processes.ts';

describe('the processes of a server', () => {
  const mark = `test-${process.pid}/server-1`;
  let child: ChildProcess;

  beforeEach(async () => {
    // A shell whose child left its process group: still of the server, because the mark is inherited. It is the child
    // that says ready, and it waits on a descriptor that this test holds open.
    const script = `exec 3<&0; setsid sh -c 'echo ready; read -r never <&3' runaway & wait`;
    child = spawn('sh', ['-c', script], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, [MARK]: mark },
    });
    await once(child.stdout!, 'data');
  });

  afterEach(async () => {
    await signalUntil(
      () => marked(mark),
      'SIGKILL',
      () => false,
    );
  });

  it('are found by their mark, whatever session they made for themselves', async () => {
    const found = await marked(mark);
    assert.ok(found.length >= 2, `found ${found.length}`);
    assert.ok(found.some((p) => p.argv.includes('runaway')));
  });

  it('are all stopped before any goes on, and go on when told to', async () => {
    await signalUntil(
      () => marked(mark),
      'SIGSTOP',
      (p) => p.state === 'T',
    );
    assert.deepEqual([...new Set((await marked(mark)).map((p) => p.state))], ['T']);
    for (const { pid } of await marked(mark)) send(pid, 'SIGCONT');
    assert.ok((await marked(mark)).every((p) => p.state !== 'T'));
  });

  it('are all gone after a kill', async () => {
    await signalUntil(
      () => marked(mark),
      'SIGKILL',
      () => false,
    );
    assert.deepEqual(await marked(mark), []);
  });

  it('leave processes with another mark alone', async () => {
    assert.deepEqual(await marked(`test-${process.pid}/server-2`), []);
  });

  it('are told apart by the program they run', () => {
    const process = (...argv: string[]) => ({ pid: 1, mark, owner: undefined, argv, state: 'S' });
    assert.equal(partOf(process('node', '/x/src/commands/main.ts', 'run')), 'agent');
    assert.equal(partOf(process('node', '/x/src/host/guard.ts')), 'guard');
    assert.equal(partOf(process('node', '/x/lab/workload/ledger.ts')), 'service');
  });
});
