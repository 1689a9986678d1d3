import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { AuditLog, nowNs } from './audit.ts';

const entry = (reason: string): { event: 'gate-stopped'; reason: string } => ({
  event: 'gate-stopped',
  reason,
});

describe('the audit log', () => {
  it('is JSON, one line an event, with the version, its number and a monotonic instant first', () => {
    const out: string[] = [];
    const before = nowNs();
    new AuditLog((text) => out.push(text)).write(entry('x'));
    const after = nowNs();
    assert.match(out[0]!, /^\{"v":1,"n":1,"t":\d+,"event":"gate-stopped","reason":"x"\}\n$/);
    const { t } = JSON.parse(out[0]!) as { t: number };
    assert.ok(Number.isSafeInteger(t) && before <= t && t <= after);
  });

  it('what may wait goes out before what may not, in one piece', () => {
    const out: string[] = [];
    const log = new AuditLog((text) => out.push(text));
    log.writeSoon(entry('1'));
    log.writeSoon(entry('2'));
    assert.deepEqual(out, []);
    log.write(entry('3'));
    log.flush();
    assert.deepEqual(out.length, 1);
    const told = String(out[0])
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { n: number; reason: string });
    assert.deepEqual(
      told.map(({ n, reason }) => `${n}: ${reason}`),
      ['1: 1', '2: 2', '3: 3'],
    );
  });

  it('does not keep much', () => {
    const out: string[] = [];
    const log = new AuditLog((text) => out.push(text));
    for (let i = 0; i < 10; i++) log.writeSoon(entry('x'.repeat(10_000)));
    assert.equal(out.length, 1);
  });

  it('the clock is the machine’s: another process reads the same one', () => {
    const script = `const [s, n] = process.hrtime(); console.log(s * 1e9 + n)`;
    const before = nowNs();
    const there = Number(spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' }).stdout);
    assert.ok(before < there && there < nowNs());
  });
});

describe('writing to a file descriptor until it is out', () => {
  const module = new URL('./audit.ts', import.meta.url).pathname;

  it('a full non-blocking pipe is waited for, and no byte is lost or doubled', async () => {
    // Node makes a pipe non-blocking as soon as process.stdout is looked at.
    const script = `
      import { writeFully } from ${JSON.stringify(module)};
      process.stdout.fd;
      for (let i = 0; i < 4000; i++) writeFully(1, String(i).padStart(99, '.') + '\\n');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'readable');
    let text = '';
    for await (const chunk of child.stdout) text += String(chunk);
    const lines = text.trimEnd().split('\n');
    assert.equal(lines.length, 4000);
    lines.forEach((line, i) => assert.equal(line, String(i).padStart(99, '.')));
  });

  it('a reader that is gone is an error', async () => {
    const script = `
      import { writeFully } from ${JSON.stringify(module)};
      process.on('exit', (code) => console.error(code));
      try { for (;;) writeFully(1, 'x'.repeat(999)); } catch (error) { console.error(error.code); }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let text = '';
    for await (const chunk of child.stderr) text += String(chunk);
    assert.equal(text, 'EPIPE\n0\n');
  });
});
