import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { monotonicClock as clock } from './clock.ts';
import { startGuardedService } from './guarded-service.ts';
import { statOf } from './process-group.ts';
import { serviceFile } from './service-file.ts';
import { agentProgram, env, setup } from './guarded.fixture.ts';
import { OBEDIENT, runModule, STUBBORN, temporaryDirectory, Witness } from './witness.fixture.ts';

describe('the guard (R6)', () => {
  it('is not in the process group of the agent, and the service not in its own', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    await using service = await startGuardedService(setup(state.path, witness.service(OBEDIENT)));
    service.extend(clock.nowMs() + 5000);
    const pid = await service.start(env);
    assert.equal(await witness.line(), 'up');
    assert.equal(service.pids.service, pid);
    const [agent, guard, leader] = [process.pid, service.pids.guard!, pid].map((each) => statOf(each));
    assert.notEqual(guard?.groupId, agent?.groupId);
    assert.deepEqual([leader?.groupId, leader?.sessionId], [pid, pid]);
  });

  it('gives the service the environment it was ordered to', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    const argv = witness.service(`echo "$ARBITER_EPOCH $COLOUR" >&9; ${OBEDIENT}`);
    const command = { argv, env: { COLOUR: 'green' }, directory: undefined };
    await using service = await startGuardedService({ ...setup(state.path, argv), command });
    service.extend(clock.nowMs() + 5000);
    await service.start({ ...env, ARBITER_EPOCH: '7' });
    assert.equal(await witness.line(), 'up');
    assert.equal(await witness.line(), '7 green');
  });

  it('gives the service no secret of the storage that stands in the environment of the agent', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    const argv = witness.service(
      `echo "[$LIBISCSI_CHAP_PASSWORD$LIBISCSI_CHAP_TARGET_PASSWORD]" >&9; ${OBEDIENT}`,
    );
    process.env['LIBISCSI_CHAP_PASSWORD'] = process.env['LIBISCSI_CHAP_TARGET_PASSWORD'] = 'hunter2hunter2';
    try {
      await using service = await startGuardedService(setup(state.path, argv));
      service.extend(clock.nowMs() + 5000);
      await service.start(env);
      assert.equal(await witness.line(), 'up');
      assert.equal(await witness.line(), '[]');
    } finally {
      delete process.env['LIBISCSI_CHAP_PASSWORD'];
      delete process.env['LIBISCSI_CHAP_TARGET_PASSWORD'];
    }
  });

  it('ends a service that ignores every signal but one at the end of its lease', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    await using service = await startGuardedService(setup(state.path, witness.service(STUBBORN)));
    const ended = new Promise<string>((resolve) => service.onEnded(resolve));
    service.extend(clock.nowMs() + 500);
    await service.start(env);
    await witness.ended;
    assert.equal(await ended, 'it was killed at the end of its lease');
    assert.equal(service.pids.service, undefined);
  });

  it('does so when the agent is stopped', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    const agent = runModule(agentProgram(state.path, witness.service(STUBBORN), 700));
    const { guard } = await agent.next();
    agent.child.kill('SIGSTOP');
    await witness.ended;
    assert.notEqual(statOf(guard as number), undefined, 'the guard watches on');
    agent.child.kill('SIGKILL');
  });

  it('asks the service to stop as soon as the agent is gone, then kills it and goes', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    const argv = witness.service(`trap 'echo asked >&9' TERM; while :; do sleep 0.02; done`);
    // The lease would go on for an hour: what ends it is the grace after the agent's death.
    const agent = runModule(agentProgram(state.path, argv, 3_600_000));
    await agent.next();
    assert.equal(await witness.line(), 'up');
    agent.child.kill('SIGKILL');
    assert.equal(await witness.line(), 'asked');
    await witness.ended;
  });

  it('ends every member of the group, those that outlive their leader too', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    const argv = witness.service(`(${STUBBORN}) & echo child >&9; ${OBEDIENT}`);
    await using service = await startGuardedService(setup(state.path, argv));
    service.extend(clock.nowMs() + 60_000);
    await service.start(env);
    assert.equal(await witness.line(), 'up');
    assert.equal(await witness.line(), 'child');
    await service.stop('grace', clock.nowMs() + 300);
    await witness.ended;
  });

  it('ends what a service leaves behind that ends by itself, and says how it ended', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    const argv = witness.service(`(${STUBBORN}) & exit 3`);
    await using service = await startGuardedService(setup(state.path, argv));
    const ended = new Promise<string>((resolve) => service.onEnded(resolve));
    service.extend(clock.nowMs() + 60_000);
    await service.start(env);
    assert.equal(await ended, 'it exited with code 3');
    await witness.ended;
  });

  it('refuses to start a service without a lease, or after it', async () => {
    using state = temporaryDirectory();
    await using service = await startGuardedService(setup(state.path, ['sleep', '1000']));
    await assert.rejects(service.start(env), /^Error: there is no lease$/);
    service.extend(clock.nowMs() - 1000);
    await assert.rejects(service.start(env), /^Error: its lease ended \d+ ms ago$/);
    assert.equal(existsSync(serviceFile(state.path)), false);
  });

  it('of a procedure without leases does not look for one', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    const lawless = { ...setup(state.path, witness.service(OBEDIENT)), enforceLease: false };
    await using service = await startGuardedService(lawless);
    await service.start(env);
    assert.equal(await witness.line(), 'up');
  });

  it('says which program cannot be run, and can start another service afterwards', async () => {
    using state = temporaryDirectory();
    await using service = await startGuardedService(setup(state.path, ['/nowhere/ledger']));
    service.extend(clock.nowMs() + 5000);
    for (const attempt of [1, 2]) {
      await assert.rejects(
        service.start(env),
        { message: '/nowhere/ledger cannot be run: spawn /nowhere/ledger ENOENT' },
        `attempt ${attempt}`,
      );
    }
  });

  it('stops at once when there is nothing to stop', async () => {
    using state = temporaryDirectory();
    await using service = await startGuardedService(setup(state.path, ['sleep', '1000']));
    await service.stop('grace', clock.nowMs() + 60_000);
    await service.stop('now', clock.nowMs());
  });

  it('writes down what it runs, for a successor, and strikes it out afterwards', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    await using service = await startGuardedService(setup(state.path, witness.service(OBEDIENT)));
    service.extend(clock.nowMs() + 5000);
    const pid = await service.start(env);
    const record = JSON.parse(readFileSync(serviceFile(state.path), 'utf8')) as Record<
      string,
      { pid: number }
    >;
    assert.deepEqual([record['service']?.pid, record['guard']?.pid], [pid, service.pids.guard]);
    await service.stop('now', clock.nowMs());
    assert.equal(existsSync(serviceFile(state.path)), false);
  });

  it('that dies takes the service along, and is replaced at the next start', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    await using service = await startGuardedService(setup(state.path, witness.service(STUBBORN)));
    const ended = new Promise<string>((resolve) => service.onEnded(resolve));
    service.extend(clock.nowMs() + 60_000);
    await service.start(env);
    assert.equal(await witness.line(), 'up');
    const { guard } = service.pids;
    process.kill(guard!, 'SIGKILL');
    assert.equal(await ended, 'its guard died (SIGKILL)');
    await witness.ended;
    await assert.doesNotReject(service.start(env));
    assert.notEqual(service.pids.guard, guard);
    await service.stop('now', clock.nowMs());
  });

  it('that is stuck does not keep the service alive: the agent kills it too', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    await using service = await startGuardedService(setup(state.path, witness.service(STUBBORN), 100));
    service.extend(clock.nowMs() + 60_000);
    await service.start(env);
    assert.equal(await witness.line(), 'up');
    process.kill(service.pids.guard!, 'SIGSTOP');
    await service.stop('grace', clock.nowMs() + 100);
    await witness.ended;
  });

  it('that is stuck is noticed with the next lease, while nothing else is wanted of it', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    const warnings: string[] = [];
    const told = {
      ...setup(state.path, witness.service(STUBBORN)),
      warn: (text: string) => warnings.push(text),
    };
    await using service = await startGuardedService(told);
    const ended = new Promise<string>((resolve) => service.onEnded(resolve));
    service.extend(clock.nowMs() + 60_000);
    await service.start(env);
    assert.equal(await witness.line(), 'up');
    const { guard } = service.pids;
    process.kill(guard!, 'SIGSTOP');
    service.extend(clock.nowMs() + 60_000);
    assert.equal(await ended, 'its guard died (no answer for 400 ms)');
    await witness.ended;
    assert.equal(warnings[0], `the guard, process ${guard}, is lost: no answer for 400 ms`);
    assert.equal(service.pids.guard, undefined);
  });

  it('does not mind the signals that end an agent', async () => {
    using state = temporaryDirectory();
    const witness = new Witness(state.path);
    await using service = await startGuardedService(setup(state.path, witness.service(OBEDIENT)));
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(service.pids.guard!, signal);
    service.extend(clock.nowMs() + 5000);
    await service.start(env);
    assert.equal(await witness.line(), 'up');
  });

  it('goes with its agent when nothing runs', async () => {
    using state = temporaryDirectory();
    const agent = runModule(agentProgram(state.path, undefined, 1000));
    await agent.next();
    agent.child.kill('SIGKILL');
    // Standard error is the guard's too: it ends when both are gone.
    await once(agent.child.stderr.resume(), 'close');
  });
});
