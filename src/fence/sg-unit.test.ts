import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { SgUnit } from './sg-unit.ts';

describe('a program of sg3-utils that hangs', () => {
  let folder: string;
  const path = process.env['PATH'];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'arbiter-sg-'));
    process.env['PATH'] = `${folder}${delimiter}${path}`;
  });
  afterEach(() => {
    process.env['PATH'] = path;
    rmSync(folder, { recursive: true });
  });

  it('is given up at its deadline, although nothing can end it: its outcome is unknown', async () => {
    const pidFile = join(folder, 'pid');
    // What survives the kill stands for a process that waits in the kernel for a disk.
    const script = `#!/bin/sh\nsleep 60 &\necho $! > '${pidFile}.new'\nmv '${pidFile}.new' '${pidFile}'\nwait\n`;
    writeFileSync(join(folder, 'sg_persist'), script, { mode: 0o755 });
    const unit = new SgUnit('/dev/disk/by-id/standin');
    await assert.rejects(unit.registerKey(7n, 500), {
      name: 'OutcomeUnknown',
      message: '/dev/disk/by-id/standin: sg_persist --register-ignore --param-sark=7 did not end in time',
    });
    const left = Number(readFileSync(pidFile, 'utf8'));
    assert.equal(process.kill(left, 0), true, 'nobody waited for it');
    process.kill(left, 'SIGKILL');
  });
});
