import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { ChildProcess } from 'node:child_process';
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { SgUnit } from './sg-unit.ts';

describe('a program of sg3-utils that hangs', () => {
  let folder: string;
  const path = process.env['PATH'];
  const { kill } = ChildProcess.prototype;
  beforeEach(() => {
    // One that waits in the kernel for a disk dies of a signal when that is done, and not before.
    ChildProcess.prototype.kill = () => true;
    folder = mkdtempSync(join(tmpdir(), 'arbiter-sg-'));
    process.env['PATH'] = `${folder}${delimiter}${path}`;
  });
  afterEach(() => {
    ChildProcess.prototype.kill = kill;
    process.env['PATH'] = path;
    rmSync(folder, { recursive: true });
  });

  it('is given up at its deadline, although nothing can end it: its outcome is unknown', async () => {
    const pidFile = join(folder, 'pid');
    const script = `#!/bin/sh\necho $$ > '${pidFile}.new'\nmv '${pidFile}.new' '${pidFile}'\nexec sleep 60\n`;
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
