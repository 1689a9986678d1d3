import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { BlockDevice } from '../ports/block-device.ts';
import type { Journal, JournalEntry } from '../ports/journal.ts';
import type { AgentStatus } from '../ports/status.ts';
import { measuredDevice } from './measured-device.ts';

/** Seconds: from a local disk's write to a deadline that has passed. */
const LATENCY_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export interface Metrics {
  /** The same journal, counted. */
  journal(inner: Journal): Journal;
  /** The same device, timed. */
  device(inner: BlockDevice): BlockDevice;
  text(): Promise<{ contentType: string; text: string }>;
}

/** Everything an agent counts, in a registry of its own; names are documented and stay. */
export function agentMetrics(status: () => AgentStatus, droppedLines: () => number): Metrics {
  const registers = [new Registry()];
  gauges(registers, status, droppedLines);
  const count = counters(registers);
  const reads = latency(registers, 'arbiter_quorum_read_seconds', 'Reads of the whole quorum area');
  const writes = latency(registers, 'arbiter_quorum_write_seconds', 'Durable writes to the quorum area');
  return {
    journal: (inner) => ({
      write(entry) {
        count.entry(entry);
        inner.write(entry);
      },
      flush: (deadlineMs) => inner.flush(deadlineMs),
    }),
    device: (inner) =>
      measuredDevice(inner, (operation, seconds, isOk) => {
        (operation === 'read' ? reads : writes).observe(seconds);
        if (operation === 'read' && !isOk && status().role !== 'active') count.observationFailures.inc();
      }),
    text: async () => ({ contentType: registers[0]!.contentType, text: await registers[0]!.metrics() }),
  };
}

function counters(registers: Registry[]) {
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const heartbeats = new Counter({
    name: 'arbiter_heartbeats_total',
    help: 'Heartbeats of this server as owner',
    labelNames: ['outcome'] as const,
    registers,
  });
  for (const outcome of ['ok', 'failed'] as const) heartbeats.inc({ outcome }, 0);
  const takeovers = counter('arbiter_takeovers_total', 'Times this server became active');
  const refusals = counter('arbiter_refusals_total', 'Times the storage node refused it the data area');
  const observationFailures = counter(
    'arbiter_observation_failures_total',
    'Reads of the quorum area that failed while not active',
  );
  const entry = (each: JournalEntry) => {
    if (each.event === 'lease') heartbeats.inc({ outcome: 'ok' });
    if (each.event === 'heartbeat-failed') heartbeats.inc({ outcome: 'failed' });
    if (each.event === 'role' && each.to === 'active') takeovers.inc();
    if (each.event === 'access' && each.outcome === 'refused') refusals.inc();
  };
  return { entry, observationFailures };
}

function latency(registers: Registry[], name: string, help: string): Histogram {
  return new Histogram({ name, help, buckets: LATENCY_BUCKETS, registers });
}

function gauges(registers: Registry[], status: () => AgentStatus, droppedLines: () => number): void {
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  const labelled = <Label extends string>(name: string, help: string, label: Label, value: () => string) =>
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset();
        this.set({ [label]: value() } as Record<Label, string>, 1);
      },
    });
  labelled('arbiter_role', 'The role this server has', 'role', () => status().role);
  labelled('arbiter_fencing', 'Who shuts former owners out', 'mode', () => status().fencing);
  gauge('arbiter_serving', 'The service is up and the lease lasts', () => Number(status().serving));
  gauge('arbiter_blind', 'Reads of the quorum area fail', () => Number(status().blind));
  gauge('arbiter_paused', 'Nobody takes over by itself', () => Number(status().pause !== null));
  gauge('arbiter_takeover_held', 'This server would take over now, but for a pause', () =>
    Number(status().holdsBack),
  );
  gauge('arbiter_epoch', 'Epoch of this server', () => status().epoch);
  gauge(
    'arbiter_lease_remaining_seconds',
    'Until the lease ends; 0 without one',
    () => Math.max(status().leaseRemainingMs ?? 0, 0) / 1000,
  );
  registers[0]!.registerMetric(
    new Counter({
      name: 'arbiter_journal_dropped_lines_total',
      help: 'Lines that the reader of the journal was too slow for',
      registers: [],
      collect() {
        this.reset();
        this.inc(droppedLines());
      },
    }),
  );
}
