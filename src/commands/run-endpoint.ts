import type { Agent } from '../agent/agent.ts';
import type { AgentConfig } from '../config/agent-config.ts';
import type { LineJournal } from '../host/journal.ts';
import type { BlockDevice } from '../ports/block-device.ts';
import type { Journal } from '../ports/journal.ts';
import type { TakesOrders } from '../ports/orders.ts';
import type { AgentStatus } from '../ports/status.ts';

/** Status, health, metrics, and what they are made of. */
export interface Endpoint extends AsyncDisposable {
  /** The same journal, counted where there are metrics. */
  readonly journal: Journal;
  /** The same device, timed where there are metrics. */
  measured(device: BlockDevice): BlockDevice;
  /** From here on it speaks for this agent; until then, for one that waits for its storage. */
  show(agent: Agent<unknown>): void;
}

/**
 * The endpoint of an agent, up before the agent is: one that waits for its storage says so. Without `status` in the
 * file there is none, and what it would need is not loaded. Rejects with AddressUnusable.
 */
export async function openEndpoint(
  config: AgentConfig,
  incarnation: string,
  journal: LineJournal,
): Promise<Endpoint> {
  if (config.status === undefined) {
    return { journal, measured: (device) => device, show: () => {}, [Symbol.asyncDispose]: async () => {} };
  }
  const { startStatusEndpoint } = await import('../host/status-endpoint.ts');
  const { agentMetrics } = await import('../host/metrics.ts');
  let agent: Agent<unknown> | undefined;
  const status = () => agent?.status() ?? waitingStatus(config, incarnation);
  const metrics = agentMetrics(status, () => journal.droppedLines);
  const server = await startStatusEndpoint(config.status, {
    status,
    ailment: () => (agent === undefined ? 'blind: the quorum area cannot be read yet' : agent.ailment()),
    metrics: () => metrics.text(),
    orders: ordersOf(() => agent),
  });
  return {
    journal: metrics.journal(journal),
    measured: (device) => metrics.device(device),
    show: (shown) => void (agent = shown),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** An agent that waits for its storage can leave, and nothing else. */
function ordersOf(agent: () => Agent<unknown> | undefined): TakesOrders {
  const reason = 'this server waits for its storage';
  const refused = { outcome: 'refused', reason } as const;
  const release = async (then: 'exit' | 'observe') => {
    if (then === 'exit') process.kill(process.pid, 'SIGTERM');
    return {
      owned: false,
      released: false,
      epoch: 0,
      paused: false,
      reason: 'nothing to release as starting',
    };
  };
  return {
    release: (then) => agent()?.orders.release(then) ?? release(then),
    handOver: async (to, force) =>
      agent()?.orders.handOver(to, force) ?? { ...refused, released: false, epoch: 0, boundMs: 0 },
    pause: async () => agent()?.orders.pause() ?? { ...refused, pause: null },
    resume: async () => agent()?.orders.resume() ?? { ...refused, pause: null },
  };
}

function waitingStatus(config: AgentConfig, incarnation: string): AgentStatus {
  const { node, protocol, fencing } = config;
  return {
    node,
    incarnation,
    cluster: '',
    protocol,
    fencing,
    role: 'starting',
    serving: false,
    blind: true,
    epoch: 0,
    leaseRemainingMs: null,
    owner: '',
    ownerEpoch: 0,
    pause: null,
    holdsBack: false,
    pids: { agent: process.pid, guard: null, service: null },
  };
}
