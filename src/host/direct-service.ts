import type { Service } from '../ports/service.ts';
import { runawaysKilled, type ServiceSetup } from './service-setup.ts';
import { ServiceProcess } from './service-process.ts';

/**
 * The service without a guard (`guard: false`, unsafe): run by the agent itself, which nothing replaces when it is stuck
 * or gone. The lease is not enforced here; it exists to show what the guard is for.
 */
export function directService(setup: ServiceSetup): Service {
  const { clock, stateDirectory, stopGraceMs, command } = setup;
  const service = new ServiceProcess({
    clock,
    stateDirectory,
    marginMs: stopGraceMs / 8,
    enforceLease: false,
    guard: null,
    runaways: (pids) => setup.warn(runawaysKilled(pids)),
  });
  return {
    start: async (env) => {
      const { pid } = await service.start({ ...command, env: { ...command.env, ...env } });
      return pid;
    },
    stop: (how, byAtMs) => service.stop(how, byAtMs),
    extend: (leaseEndsAtMs) => service.extend(leaseEndsAtMs),
    onEnded: (listener) => service.onEnded(listener),
    get pids() {
      return { guard: undefined, service: service.pid };
    },
    [Symbol.asyncDispose]: () => service.stop('grace', clock.nowMs() + stopGraceMs),
  };
}
