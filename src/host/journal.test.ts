import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JournalLine } from '../ports/journal.ts';
import { monotonicClock as clock } from './clock.ts';
import { LineJournal } from './journal.ts';
import { type Sink, sinkFor } from './sink.ts';
import { temporaryDirectory } from './witness.fixture.ts';

const warning = (text: string) => ({ event: 'warning', text }) as const;

describe('the journal', () => {
  const setup = { clock, node: 'server-1', incarnation: 'ab'.repeat(16) };

  /** A sink that takes a chunk when the test lets it. */
  function handSink() {
    const taken: string[] = [];
    let done: ((error?: Error) => void) | undefined;
    const sink: Sink = (chunk, whenDone) => {
      taken.push(chunk.toString());
      done = whenDone;
    };
    const finish = (error?: NodeJS.ErrnoException) => {
      const whenDone = done;
      done = undefined;
      whenDone?.(error);
    };
    const lines = () =>
      taken.flatMap((chunk) => chunk.trimEnd().split('\n')).map((l) => JSON.parse(l) as JournalLine);
    return { sink, finish, taken, lines };
  }

  it('puts version, instant, wall clock, node and incarnation before what happened', () => {
    const { sink, taken } = handSink();
    const before = clock.nowNs();
    new LineJournal(sink, setup).write(warning('hot'));
    const line = JSON.parse(taken[0]!) as JournalLine;
    assert.deepEqual(Object.keys(line), ['v', 'n', 't', 'wall', 'node', 'incarnation', 'event', 'text']);
    assert.deepEqual(line, {
      ...line,
      v: 1,
      n: 1,
      node: 'server-1',
      incarnation: 'ab'.repeat(16),
      ...warning('hot'),
    });
    assert.ok(Number.isInteger(line.t) && line.t >= before && line.t <= clock.nowNs());
    assert.match(line.wall, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.ok(taken[0]?.endsWith('\n'));
  });

  it('writes one chunk at a time, in order, whatever waits meanwhile', () => {
    const { sink, finish, taken, lines } = handSink();
    const journal = new LineJournal(sink, setup);
    for (const text of ['a', 'b', 'c']) journal.write(warning(text));
    assert.equal(taken.length, 1);
    finish();
    assert.equal(taken.length, 2);
    finish();
    assert.deepEqual(
      lines().map((line) => 'text' in line && line.text),
      ['a', 'b', 'c'],
    );
  });

  it('drops what would wait beyond its bound, and tells how much before it goes on', () => {
    const { sink, finish, lines } = handSink();
    const journal = new LineJournal(sink, { ...setup, maxWaitingBytes: 600 });
    for (let i = 0; i < 10; i++) journal.write(warning(`${i}`));
    const dropped = journal.droppedLines;
    assert.ok(dropped > 0 && dropped < 9, `${dropped}`);
    finish();
    finish();
    journal.write(warning('after'));
    finish();
    const said = lines().map((line) => ('text' in line ? line.text : 'lines' in line && line.lines));
    const kept = Array.from({ length: 10 - dropped }, (_, i) => `${i}`);
    assert.deepEqual(said, [...kept, dropped, 'after']);
    // Those that were dropped have had their numbers.
    assert.deepEqual(
      lines().map((line) => line.n),
      [...kept.map((_, i) => i + 1), 11, 12],
    );
  });

  it('loses what was under way to a full disk, says so, and goes on', () => {
    const { sink, finish, lines } = handSink();
    const journal = new LineJournal(sink, setup);
    journal.write(warning('lost'));
    finish(Object.assign(new Error('no space left'), { code: 'ENOSPC' }));
    journal.write(warning('kept'));
    finish();
    const said = lines().map((line) => ('text' in line ? line.text : 'lines' in line && line.lines));
    // The hand of the test saw the lost line; a disk did not.
    assert.deepEqual(said, ['lost', 1, 'kept']);
  });

  it('tolerates a reader that has left', () => {
    const { sink, finish, taken } = handSink();
    const journal = new LineJournal(sink, setup);
    journal.write(warning('a'));
    journal.write(warning('b'));
    finish(Object.assign(new Error('broken pipe'), { code: 'EPIPE' }));
    journal.write(warning('c'));
    assert.equal(taken.length, 1);
    assert.equal(journal.droppedLines, 3);
  });

  it('is flushed when the last chunk is out, or at the deadline', async () => {
    const { sink, finish } = handSink();
    const journal = new LineJournal(sink, setup);
    await journal.flush(10_000);
    journal.write(warning('a'));
    await journal.flush(1);
    const flushed = journal.flush(10_000);
    finish();
    await flushed;
  });

  it('into a pipe that nobody reads keeps nobody waiting, nor the process from leaving', async () => {
    const module = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
    const program = `
      const { monotonicClock: clock } = await import(${module('./clock.ts')});
      const { LineJournal } = await import(${module('./journal.ts')});
      const { sinkFor } = await import(${module('./sink.ts')});
      const journal = new LineJournal(sinkFor(1), { clock, node: 'server-1', incarnation: '0' });
      for (let turn = 0; turn < 500; turn++) {
        journal.write({ event: 'warning', text: 'x'.repeat(20_000) });
        await new Promise(setImmediate);
      }
      process.exitCode = journal.droppedLines > 0 ? 7 : 8;
      process.exit();
    `;
    // 10 MB go towards a pipe of 64 KiB and a queue of 4 MiB.
    using state = temporaryDirectory();
    const fifo = join(state.path, 'fifo');
    await once(spawn('mkfifo', [fifo]), 'exit');
    const held = openSync(fifo, 'r+');
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', held, 'inherit'],
    });
    const [code] = (await once(child, 'exit')) as [number];
    closeSync(held);
    assert.equal(code, 7);
  });

  for (const [what, open] of [
    ['a file', (path: string) => openSync(path, 'w')],
    ['the null device', () => openSync('/dev/null', 'w')],
  ] as const) {
    it(`goes into ${what} as well`, async () => {
      using state = temporaryDirectory();
      const path = join(state.path, 'journal');
      const fd = open(path);
      const journal = new LineJournal(sinkFor(fd), setup);
      for (let i = 0; i < 1000; i++) journal.write(warning(`${i}`));
      await journal.flush(5000);
      closeSync(fd);
      if (what === 'a file') assert.equal(readFileSync(path, 'utf8').trimEnd().split('\n').length, 1000);
      assert.equal(journal.droppedLines, 0);
    });
  }
});
