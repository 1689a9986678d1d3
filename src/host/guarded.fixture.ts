import { monotonicClock as clock } from './clock.ts';
import type { ServiceSetup } from './service-setup.ts';

export const env = { ARBITER_INCARNATION: 'f'.repeat(32) };

export function setup(
  stateDirectory: string,
  argv: readonly [string, ...string[]],
  stopGraceMs = 400,
): ServiceSetup {
  return {
    clock,
    node: 'server-1',
    command: { argv, env: {}, directory: undefined },
    stateDirectory,
    stopGraceMs,
    enforceLease: true,
    warn: () => {},
  };
}

/** An agent in a process of its own: starts a guarded service with one lease, says its pids, and hangs about. */
export function agentProgram(
  stateDirectory: string,
  argv: readonly string[] | undefined,
  leaseMs: number,
): string {
  const module = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  return `
    const { monotonicClock: clock } = await import(${module('./clock.ts')});
    const { startGuardedService } = await import(${module('./guarded-service.ts')});
    const service = await startGuardedService({
      clock, node: 'server-1', stopGraceMs: 400, enforceLease: true, warn: () => {}, stateDirectory: ${JSON.stringify(stateDirectory)},
      command: { argv: ${JSON.stringify(argv ?? ['true'])}, env: {} },
    });
    service.extend(clock.nowMs() + ${leaseMs});
    ${argv === undefined ? '' : "await service.start({ ARBITER_INCARNATION: 'a'.repeat(32) });"}
    console.log(JSON.stringify(service.pids));
    setInterval(() => {}, 1000);
  `;
}
