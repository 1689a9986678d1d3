import assert from 'node:assert/strict';
import { runModule, temporaryDirectory } from './witness.fixture.ts';
import { once } from 'node:events';
import { lockState } from './state-lock.ts';

describe('the state directory', () => {
  it('has one agent at a time', async () => {
    using state = temporaryDirectory();
    {
      await using _first = await lockState(state.path);
      await assert.rejects(lockState(state.path), {
        message: `another agent runs with the state directory ${state.path}`,
      });
    }
    await using _next = await lockState(state.path);
  });

  it('is free again when its agent was killed, and not while it is only stopped', async () => {
    using state = temporaryDirectory();
    const holder = runModule(`
      const { lockState } = await import(${JSON.stringify(new URL('./state-lock.ts', import.meta.url).href)});
      await lockState(${JSON.stringify(state.path)});
      console.log('{}');
      setInterval(() => {}, 1000);
    `);
    await holder.next();
    holder.child.kill('SIGSTOP');
    await assert.rejects(lockState(state.path), /^AddressUnusable: another agent runs/);
    holder.child.kill('SIGKILL');
    await once(holder.child, 'exit');
    await using _next = await lockState(state.path);
  });
});
