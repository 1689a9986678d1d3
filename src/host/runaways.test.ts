import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { monotonicClock as clock } from './clock.ts';
import { directService } from './direct-service.ts';
import { startGuardedService } from './guarded-service.ts';
import { agentProgram, env, setup } from './guarded.fixture.ts';
import { nameProcess, signalProcess, statOf } from './process-group.ts';
import { Runaways } from './runaways.ts';
import { serviceFile } from './service-file.ts';
import { ServiceProcess } from './service-process.ts';
import { OBEDIENT, runModule, temporaryDirectory, Witness } from './witness.fixture.ts';

describe('a process that left the process group of its service', () => {
  /** Says its own process id, from a session of its own. */
  const runaway = `setsid sh -c "trap '' TERM INT HUP; echo \\$\\$ >&9; exec sleep 1000" &`;
  const service = (witness: Witness) => witness.service(`${runaway} ${OBEDIENT}`);
  async function pidFrom(witness: Witness): Promise<number> {
    assert.equal(await witness.line(), 'up');
    return Number(await witness.line());
  }
  const killed = (pid: number) => `killed what had left the service's process group: processes ${pid}`;

  it('is killed at the end of the lease, and told of by its number', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    const warned = Promise.withResolvers<string>();
    const told = { ...setup(state.path, service(witness)), warn: warned.resolve };
    await using guarded = await startGuardedService(told);
    const ended = new Promise<string>((resolve) => guarded.onEnded(resolve));
    guarded.extend(clock.nowMs() + 2000);
    await guarded.start(env);
    const pid = await pidFrom(witness);
    await witness.ended;
    assert.equal(await ended, 'it was killed at the end of its lease');
    assert.equal(await warned.promise, killed(pid));
    assert.equal(existsSync(serviceFile(state.path)), false);
  });

  for (const [how, start] of [
    ['with a guard', startGuardedService],
    ['without one', directService],
  ] as const) {
    it(`is killed when the service was stopped ${how}, however well the service obeyed`, async () => {
      using state = temporaryDirectory();
      const witness = new Witness(state.path);
      const warned = Promise.withResolvers<string>();
      await using running = await start({ ...setup(state.path, service(witness)), warn: warned.resolve });
      running.extend(clock.nowMs() + 60_000);
      await running.start(env);
      const pid = await pidFrom(witness);
      await running.stop('grace', clock.nowMs() + 10_000);
      await witness.ended;
      assert.equal(await warned.promise, killed(pid));
    });
  }

  it('is killed when the agent is gone', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    const agent = runModule(agentProgram(state.path, service(witness), 3_600_000));
    await agent.next();
    await pidFrom(witness);
    agent.child.kill('SIGKILL');
    await witness.ended;
  });

  it('is killed when the guard died, which nobody but the agent can do then', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    const warnings: string[] = [];
    const told = { ...setup(state.path, service(witness)), warn: (text: string) => warnings.push(text) };
    await using guarded = await startGuardedService(told);
    const ended = new Promise<string>((resolve) => guarded.onEnded(resolve));
    guarded.extend(clock.nowMs() + 60_000);
    await guarded.start(env);
    const pid = await pidFrom(witness);
    process.kill(guarded.pids.guard!, 'SIGKILL');
    await ended;
    await witness.ended;
    assert.equal(warnings[1], `ended what the guard had left running: processes ${pid}`);
  });

  it('stands in the service file for a successor until it is gone', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    const file = Promise.withResolvers<boolean>();
    const rules = { clock, stateDirectory: state.path, marginMs: 10, enforceLease: false, guard: null };
    const running = new ServiceProcess({
      ...rules,
      runaways: () => file.resolve(existsSync(serviceFile(state.path))),
    });
    await running.start({ argv: service(witness), env, directory: undefined });
    await pidFrom(witness);
    await running.stop('grace', clock.nowMs() + 10_000);
    assert.equal(await file.promise, true);
    assert.equal(existsSync(serviceFile(state.path)), false);
  });

  /** A session whose leader started a process in a group of its own and without an environment. */
  async function session() {
    const script = 'set -m; env -i sleep 1000 & echo $!; exec sleep 1000';
    const leader = spawn('bash', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(leader.stdout, 'data')) as [Buffer];
    const member = nameProcess(Number(line))!;
    const end = () => [leader.kill('SIGKILL'), signalProcess(member, 'SIGKILL')];
    return { leader: nameProcess(leader.pid!)!, member, [Symbol.dispose]: end };
  }

  it('is known by its session, although it has no environment', async () => {
    using left = await session();
    const found: (readonly number[])[] = [];
    const runaways = new Runaways(left.leader, 'f'.repeat(32), (pids) => found.push(pids));
    while ((await runaways.end()).length > 0);
    assert.deepEqual(found, [[left.member.pid]]);
    assert.notEqual(statOf(left.leader.pid), undefined);
  });

  it('is not anybody of another session that has the number of the former one', async () => {
    using others = await session();
    const { pid, startTicks } = others.leader;
    const runaways = new Runaways({ pid, startTicks: startTicks - 1 }, 'f'.repeat(32), () => {});
    assert.deepEqual(await runaways.end(), []);
  });

  it('is not anybody of another agent', async () => {
    const stranger = spawn('sleep', ['1000'], {
      env: { ...process.env, ARBITER_INCARNATION: 'e'.repeat(32) },
    });
    const none = { pid: 2 ** 22 + 1, startTicks: 1 };
    assert.deepEqual(await new Runaways(none, 'f'.repeat(32), () => {}).end(), []);
    const ended = await new Runaways(none, 'e'.repeat(32), () => {}).end();
    assert.deepEqual(
      ended.map(({ pid }) => pid),
      [stranger.pid],
    );
  });
});
