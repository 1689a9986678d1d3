import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { Outbox } from './outbox.ts';

/** A socket that hands over what it is told to only when `take` is called, and remembers the bytes as they are then. */
class SlowSocket extends Writable {
  readonly taken: Buffer[] = [];
  #waiting: (() => void)[] = [];

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#waiting.push(() => {
      this.taken.push(Buffer.from(chunk));
      done();
    });
  }

  async take(): Promise<string[]> {
    for (let wait = this.#waiting; wait.length > 0; wait = this.#waiting) {
      this.#waiting = [];
      for (const take of wait) take();
      await turn();
    }
    return this.taken.map((bytes) => bytes.toString());
  }
}

function outboxTo(socket: Writable): { say(text: string): void; flush(): void } {
  const outbox = new Outbox(socket as Socket);
  const say = (text: string): void => void Buffer.from(text).copy(outbox.room(Buffer.byteLength(text)));
  return { say, flush: () => outbox.flush() };
}

describe('the requests of a connection', () => {
  it('leave together at the end of their turn, in order', async () => {
    const socket = new SlowSocket();
    const { say } = outboxTo(socket);
    // From here on as after an answer: whoever waited for it goes on, promise by promise, in the same turn.
    await Promise.resolve();
    say('one ');
    await Promise.resolve();
    say('two ');
    await Promise.resolve().then(() => say('three'));
    await turn();
    say('four');
    await turn();
    assert.deepEqual(await socket.take(), ['one two three', 'four']);
  });

  it('leave before the end of their turn when something must come behind them', async () => {
    const socket = new SlowSocket();
    const { say, flush } = outboxTo(socket);
    say('one');
    flush();
    socket.write('two');
    say('three');
    await turn();
    assert.deepEqual(await socket.take(), ['one', 'two', 'three']);
  });

  it('stay as they are in memory until the system took them, however much is said meanwhile', async () => {
    const socket = new SlowSocket();
    const { say } = outboxTo(socket);
    const said = Array.from({ length: 40 }, (_, index) => `${index}:`.padEnd(1 + 9973 * (index % 9), 'x'));
    for (const text of said) {
      say(text);
      if (text.length % 2 === 0) await turn();
    }
    await turn();
    const first = await socket.take();
    assert.equal(first.join(''), said.join(''));
    for (const text of said) {
      say(text.replace(/x/g, 'y'));
      if (text.length % 2 === 1) await turn();
      if (text.length % 3 === 0) await socket.take();
    }
    await turn();
    assert.equal((await socket.take()).join(''), said.join('') + said.join('').replaceAll('x', 'y'));
  });

  it('may be larger than all that are kept memory for', async () => {
    const socket = new SlowSocket();
    const { say } = outboxTo(socket);
    const large = 'l'.repeat(1024 * 1024);
    say('small');
    say(large);
    say('small again');
    await turn();
    assert.equal((await socket.take()).join(''), `small${large}small again`);
  });

  it('are let go of with the connection', async () => {
    const socket = new SlowSocket();
    const { say } = outboxTo(socket);
    say('never');
    socket.destroy();
    await turn();
    assert.deepEqual(await socket.take(), []);
  });
});
