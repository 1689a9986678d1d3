import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { monotonicClock as clock } from './clock.ts';
import { endPredecessor } from './predecessor.ts';
import { serviceFile, type ServiceRecord, writeServiceFile } from './service-file.ts';
import { ServiceProcess } from './service-process.ts';
import { statOf } from './process-group.ts';
import { OBEDIENT, STUBBORN, temporaryDirectory, Witness } from './witness.fixture.ts';

const incarnation = 'c0ffee'.padEnd(32, '0');

describe('the service of a predecessor (R0)', () => {
  /** Started as an agent without a guard starts it, and left to itself. */
  async function leftBehind(state: string, argv: readonly [string, ...string[]]) {
    const rules = { clock, stateDirectory: state, marginMs: 10, enforceLease: false, guard: null };
    const service = new ServiceProcess({ ...rules, runaways: () => {} });
    const env = { ARBITER_INCARNATION: incarnation };
    const { pid } = await service.start({ argv, env, directory: undefined });
    return pid;
  }
  const record = (state: string) => JSON.parse(readFileSync(serviceFile(state), 'utf8')) as ServiceRecord;

  it('is ended with its whole group, whatever signals it ignores', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    const pid = await leftBehind(state.path, witness.service(`(${STUBBORN}) & echo child >&9; ${STUBBORN}`));
    assert.equal(await witness.line(), 'up');
    assert.equal(await witness.line(), 'child');
    const ended = await endPredecessor(state.path);
    await witness.ended;
    assert.ok(ended.includes(pid) && ended.length >= 2);
    assert.equal(existsSync(serviceFile(state.path)), false);
  });

  it('is found although it left its group', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    await leftBehind(state.path, witness.service(`setsid sh -c "${OBEDIENT}" & echo child >&9; ${OBEDIENT}`));
    assert.equal(await witness.line(), 'up');
    assert.equal(await witness.line(), 'child');
    await endPredecessor(state.path);
    await witness.ended;
  });

  it('is found although its start was never written down', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    await leftBehind(state.path, witness.service(OBEDIENT));
    assert.equal(await witness.line(), 'up');
    await writeServiceFile(state.path, { ...record(state.path), service: null });
    await endPredecessor(state.path);
    await witness.ended;
  });

  it('is ended together with the guard that ran it', async () => {
    using state = temporaryDirectory();
    const guard = spawn('sleep', ['1000']);
    const exited = once(guard, 'exit');
    await leftBehind(state.path, ['sleep', '1000']);
    const { startTicks } = statOf(guard.pid!)!;
    await writeServiceFile(state.path, { ...record(state.path), guard: { pid: guard.pid!, startTicks } });
    const ended = await endPredecessor(state.path);
    assert.ok(ended.includes(guard.pid!));
    await exited;
  });

  it('is not taken for another process that has its number now', async () => {
    using state = temporaryDirectory();
    const stranger = spawn('sleep', ['1000'], { detached: true });
    await leftBehind(state.path, ['sleep', '1000']);
    const written = record(state.path);
    await endPredecessor(state.path);
    const { startTicks } = statOf(stranger.pid!)!;
    await writeServiceFile(state.path, {
      ...written,
      guard: { pid: stranger.pid!, startTicks: startTicks - 1 },
      service: null,
    });
    assert.deepEqual(await endPredecessor(state.path), []);
    assert.equal(stranger.exitCode, null);
    assert.notEqual(statOf(stranger.pid!), undefined);
    stranger.kill('SIGKILL');
  });

  it('is not looked for after the machine was started again', async () => {
    using state = temporaryDirectory();
    const pid = await leftBehind(state.path, ['sleep', '1000']);
    const written = record(state.path);
    await writeServiceFile(state.path, { ...written, bootId: 'another' });
    assert.deepEqual(await endPredecessor(state.path), []);
    assert.notEqual(statOf(pid), undefined);
    await writeServiceFile(state.path, written);
    assert.deepEqual(await endPredecessor(state.path), [pid]);
  });

  it('keeps an agent from starting when nobody can say whether it is the service', async () => {
    using state = temporaryDirectory();
    const group = spawn('sh', ['-c', 'sleep 1000 & echo up; exec sleep 1000'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(group.stdout, 'data');
    group.kill('SIGKILL');
    await once(group, 'exit');
    await leftBehind(state.path, ['true']);
    const { bootId, pidNamespace } = await (await import('./service-file.ts')).here();
    await writeServiceFile(state.path, {
      bootId,
      pidNamespace,
      incarnation,
      guard: null,
      service: { pid: group.pid!, startTicks: 1 },
    });
    await assert.rejects(endPredecessor(state.path), {
      message: new RegExp(
        `^processes \\d+ may be left of the former service \\(session ${group.pid} in .*service.json\\); end them, or remove that file if they are not$`,
      ),
    });
    process.kill(-group.pid!, 'SIGKILL');
  });

  it('is nothing when no file speaks of one', async () => {
    using state = temporaryDirectory();
    assert.deepEqual(await endPredecessor(state.path), []);
  });

  it('is not guessed at from a damaged file', async () => {
    using state = temporaryDirectory();
    writeFileSync(serviceFile(state.path), '{"bootId":');
    await assert.rejects(endPredecessor(state.path), {
      message: `${serviceFile(state.path)} is damaged; end what is left of the former service by hand, then remove it`,
    });
  });
});
