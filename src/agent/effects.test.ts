import assert from 'node:assert/strict';
import { OutcomeUnknown, RequestFailed } from '../ports/block-device.ts';
import type { Event } from '../protocol/types.ts';
import { Effects } from './effects.ts';
import { TIMINGS, VirtualClock } from './world.fixture.ts';

const CLUSTER = 'c'.repeat(32);
const header = { clusterId: CLUSTER, sectorBytes: 512, slots: 2, mode: 'plain', timings: TIMINGS } as const;
const incarnation = '1'.repeat(32);
const record = {
  status: 1,
  node: 'server-1',
  epoch: 2,
  incarnation,
  count: 3,
  successor: '',
  pause: null,
} as const;

describe('a record write that was not acknowledged', () => {
  async function outcomeOf(error: Error): Promise<Event> {
    const setup = { node: 'server-1', index: 0, incarnation, protocol: 'safe', header };
    const ports = {
      clock: new VirtualClock(),
      quorum: { writeDurably: () => Promise.reject(error) },
      data: { onLost: () => {} },
      service: { onEnded: () => {} },
    };
    return new Promise((post, fail) => {
      const effects = new Effects(setup as never, ports as never, { post, fail });
      effects.carryOut({ do: 'write-record', record });
    });
  }

  //  what the device said                                         outcome     why
  // prettier-ignore
  for (const [error, outcome, why] of [
    [new RequestFailed('not sent', 'ENOTCONN', { effect: 'none' }), 'failed',  'it was never sent'],
    [new RequestFailed('write failed', 'EIO'),                      'unknown', 'a disk may have taken it before it failed'],
    [new RequestFailed('write failed', 'EPERM'),                    'unknown', 'an answer says nothing about the bytes'],
    [new OutcomeUnknown('no answer'),                               'unknown', 'it may land any time'],
  ] as const) {
    it(`after '${error.message}' (${error.name}) counts as ${outcome}: ${why}`, async () => {
      const event = await outcomeOf(error);
      assert.ok(event.kind === 'write-failed');
      assert.deepEqual([event.outcome, event.reason], [outcome, error.message]);
    });
  }
});
