import assert from 'node:assert/strict';
import { once } from 'node:events';
import { lockState } from './state-lock.ts';
import { runModule, temporaryDirectory } from './witness.fixture.ts';

describe('the state directory', () => {
  /** An agent that tries for the lock with every line it is given, and says whether it got it. */
  const contender = (directory: string) => {
    const { child, next } = runModule(`
      const { lockState } = await import(${JSON.stringify(new URL('./state-lock.ts', import.meta.url).href)});
      const { createInterface } = await import('node:readline');
      console.log('{}');
      for await (const _ of createInterface({ input: process.stdin })) {
        const why = await lockState(${JSON.stringify(directory)}).then(() => null, (error) => error.message);
        console.log(JSON.stringify({ why }));
      }
    `);
    const tries = async () => {
      child.stdin.write('\n');
      return (await next())['why'] as string | null;
    };
    const kill = async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    };
    return { child, ready: next(), tries, kill, [Symbol.asyncDispose]: kill };
  };
  const refused = (directory: string) => `another agent runs with the state directory ${directory}`;

  it('has one agent at a time, and is kept while that one is only stopped', async () => {
    using state = temporaryDirectory();
    await using holder = contender(state.path);
    assert.equal(await holder.tries(), null);
    holder.child.kill('SIGSTOP');
    await assert.rejects(lockState(state.path), { message: refused(state.path) });
  });

  it('is free as soon as its agent was killed, and then for exactly one of two that come together', async function () {
    this.timeout(60_000);
    using state = temporaryDirectory();
    let holder = contender(state.path);
    let other = contender(state.path);
    assert.equal(await holder.tries(), null);
    for (let attempt = 1; attempt <= 20; attempt++) {
      const third = contender(state.path);
      await Promise.all([other.ready, third.ready]);
      await holder.kill();
      const answers = await Promise.all([other.tries(), third.tries()]);
      assert.deepEqual(answers.toSorted(), [refused(state.path), null], `attempt ${attempt}`);
      [holder, other] = answers[0] === null ? [other, third] : [third, other];
    }
    await Promise.all([holder.kill(), other.kill()]);
  });

  it('is not kept by what its agent started', async () => {
    using state = temporaryDirectory();
    const agent = runModule(`
      const { lockState } = await import(${JSON.stringify(new URL('./state-lock.ts', import.meta.url).href)});
      const { spawn } = await import('node:child_process');
      await lockState(${JSON.stringify(state.path)});
      const { pid } = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
      console.log(JSON.stringify({ pid }));
      setInterval(() => {}, 1000);
    `);
    const { pid } = await agent.next();
    const exited = once(agent.child, 'exit');
    agent.child.kill('SIGKILL');
    await exited;
    await assert.doesNotReject(lockState(state.path));
    process.kill(pid as number, 'SIGKILL');
  });
});
