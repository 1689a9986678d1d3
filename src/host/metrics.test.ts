import assert from 'node:assert/strict';
import { agentMetrics } from './metrics.ts';
import { PAUSE, status } from './status.fixture.ts';

describe('the metrics', () => {
  async function valuesAfter(use: (metrics: ReturnType<typeof agentMetrics>) => Promise<void> | void) {
    const metrics = agentMetrics(
      () => status,
      () => 3,
    );
    await use(metrics);
    const lines = (await metrics.text()).text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
    );
  }

  it('show the status as it is when they are read', async () => {
    const values = await valuesAfter(() => {});
    assert.deepEqual(
      [
        'arbiter_role{role="active"}',
        'arbiter_fencing{mode="gate"}',
        'arbiter_serving',
        'arbiter_blind',
        'arbiter_paused',
        'arbiter_takeover_held',
        'arbiter_epoch',
        'arbiter_lease_remaining_seconds',
        'arbiter_journal_dropped_lines_total',
        'arbiter_heartbeats_total{outcome="failed"}',
      ].map((name) => values.get(name)),
      [1, 1, 1, 0, 0, 0, 7, 1.25, 3, 0],
    );
  });

  it('say that the area is paused, and who would take over', async () => {
    const metrics = agentMetrics(
      () => ({ ...status, role: 'standby', pause: PAUSE, holdsBack: true }),
      () => 0,
    );
    const { text } = await metrics.text();
    assert.match(text, /^arbiter_paused 1$/m);
    assert.match(text, /^arbiter_takeover_held 1$/m);
  });

  it('count what the journal says, and pass it on', async () => {
    const passed: string[] = [];
    const values = await valuesAfter((metrics) => {
      const journal = metrics.journal({ write: ({ event }) => passed.push(event), flush: async () => {} });
      const at = { startedAt: 0, writtenAt: 0, endsAt: 0 };
      journal.write({ event: 'lease', epoch: 7, count: 1, ...at });
      journal.write({ event: 'lease', epoch: 7, count: 2, ...at });
      journal.write({ event: 'heartbeat-failed', epoch: 7, phase: 'read', outcome: 'unknown', reason: '' });
      journal.write({ event: 'role', from: 'settling', to: 'active', epoch: 7, rule: 'R4', reason: '' });
      journal.write({ event: 'role', from: 'active', to: 'stopping', epoch: 7, rule: 'R6', reason: '' });
      journal.write({ event: 'access', epoch: 7, outcome: 'refused' });
      journal.write({ event: 'access', epoch: 7, outcome: 'granted' });
    });
    assert.deepEqual(
      [
        'arbiter_heartbeats_total{outcome="ok"}',
        'arbiter_heartbeats_total{outcome="failed"}',
        'arbiter_takeovers_total',
        'arbiter_refusals_total',
      ].map((name) => values.get(name)),
      [2, 1, 1, 1],
    );
    assert.equal(passed.length, 7);
  });

  it('time every request to the quorum area, those that fail too', async () => {
    const values = await valuesAfter(async (metrics) => {
      const device = metrics.device({
        name: 'disk',
        sizeBytes: 4096,
        sectorBytes: 512,
        readOnly: false,
        read: async () => new Uint8Array(512),
        writeDurably: async () => {
          throw new Error('full');
        },
        [Symbol.asyncDispose]: async () => {},
      });
      await device.read(0, 512, 100);
      await assert.rejects(device.writeDurably(0, new Uint8Array(512), 100), /full/);
    });
    assert.equal(values.get('arbiter_quorum_read_seconds_count'), 1);
    assert.equal(values.get('arbiter_quorum_write_seconds_count'), 1);
  });
});
