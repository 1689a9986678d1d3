/**
 * The guard: a separate small process, parent of the service, that ends it at the end of the lease also when the agent
 * is stuck or gone (R6). It has no imports but Node's and its neighbours', and it writes to nobody who could make it wait:
 * its only channel is the socket at file descriptor 3. When that closes, the agent is gone.
 */
import { Socket } from 'node:net';
import { monotonicClock as clock } from './clock.ts';
import { type FromGuard, hearAgent, tellAgent, type ToGuard } from './guard-messages.ts';
import { nameProcess } from './process-group.ts';
import { ServiceProcess } from './service-process.ts';

const agent = new Socket({ fd: 3 });
const report = (message: FromGuard) => tellAgent(agent, message);
const self = nameProcess(process.pid);
let service: ServiceProcess | undefined;
let stopGraceMs = 0;

// Whatever ends the agent's process group must not end its guard as well.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});

function obey(message: ToGuard): void {
  if (message.do === 'setup') return setUp(message);
  if (service === undefined) throw new Error(`${message.do} before setup`);
  switch (message.do) {
    case 'lease':
      service.extend(message.endsAtNs / 1e6);
      return report({ event: 'leased' });
    case 'start': {
      const { id, command } = message;
      service.start(command).then(
        (leader) => report({ event: 'started', id, leader }),
        (error: Error) => report({ event: 'failed', id, reason: error.message }),
      );
      return;
    }
    case 'stop': {
      const { id, how, byAtNs } = message;
      void service.stop(how, byAtNs / 1e6).then(() => report({ event: 'stopped', id }));
      return;
    }
  }
}

function setUp(message: ToGuard & { do: 'setup' }): void {
  const { stateDirectory, enforceLease } = message;
  stopGraceMs = message.stopGraceMs;
  const marginMs = stopGraceMs / 8;
  const runaways = (pids: readonly number[]) => report({ event: 'runaways', pids });
  service = new ServiceProcess({ clock, stateDirectory, marginMs, enforceLease, guard: self, runaways });
  service.onEnded((reason) => report({ event: 'ended', reason }));
  report({ event: 'ready' });
}

/** The agent is gone: ask the service to stop, kill it after the grace or at its lease's end, whichever comes first. */
async function leave(): Promise<void> {
  await service?.stop('grace', clock.nowMs() + stopGraceMs);
  process.exit(0);
}

hearAgent(agent, obey);
agent.on('error', () => {});
agent.on('close', () => void leave());
