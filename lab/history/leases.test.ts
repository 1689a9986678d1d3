import assert from 'node:assert/strict';
import { ns } from '../checkers/testing/names.ts';
import { Story } from '../checkers/testing/story.ts';
import { activeIntervals } from './leases.ts';

const inSeconds = (story: Story) =>
  activeIntervals(story.history()).map((i) => [
    i.server,
    (i.fromT - ns(0)) / 1e9,
    (i.toT - ns(0)) / 1e9,
    i.endedBy,
  ]);

const active = {
  event: 'role',
  from: 'settling',
  to: 'active',
  epoch: 2,
  rule: 'R4',
  reason: 'by hand',
} as const;

/** A lease ends 1.7 s after the start of its heartbeat, which the story has 4 ms before its end. */
describe('the time a server is active and within its lease', () => {
  it('ends with the last lease when the server never says so itself', () => {
    const story = new Story().active(1, 'server-1', 2, 1.9, false);
    assert.deepEqual(inSeconds(story), [['server-1', 1, 3.496, 'lease']]);
  });

  it('ends with the role when that is earlier, and not later when it is later', () => {
    const idle = () => new Story().journal(1, 'server-1', active).lease(1, 'server-1', 2);
    assert.deepEqual(inSeconds(idle().leaves(2, 'server-1', 2)), [['server-1', 1, 2, 'role']]);
    assert.deepEqual(inSeconds(idle().leaves(9, 'server-1', 2)), [['server-1', 1, 2.696, 'lease']]);
  });

  it('goes on while a service that runs is being stopped, until it has ended or the lease has', () => {
    const stopping = () => new Story().active(1, 'server-1', 2, 2);
    const ended = (at: number) => stopping().service(at, 'server-1', 2, 'ended');
    assert.deepEqual(inSeconds(ended(2.3)), [['server-1', 1, 2.3, 'role']]);
    assert.deepEqual(inSeconds(ended(3.6)), [['server-1', 1, 3.496, 'lease']]);
    assert.deepEqual(inSeconds(stopping()), [['server-1', 1, 3.496, 'lease']]);
    const renewed = stopping().lease(2.2, 'server-1', 2).service(3.6, 'server-1', 2, 'ended');
    assert.deepEqual(inSeconds(renewed), [['server-1', 1, 3.6, 'role']]);
  });

  it('ends with the process: killed, or started anew', () => {
    const killed = {
      event: 'process-ended',
      server: 'server-1',
      code: null,
      signal: 'SIGKILL',
      wanted: true,
    } as const;
    const story = new Story().active(1, 'server-1', 2, 2, false).lab(2.5, killed);
    assert.deepEqual(inSeconds(story), [['server-1', 1, 2.5, 'process']]);
    const restarted = new Story().active(1, 'server-1', 2, 2, false).agentStarts(2.2, 'server-1');
    assert.deepEqual(inSeconds(restarted), [['server-1', 1, 2.2, 'process']]);
  });

  it('is not ended by the process of another server', () => {
    const killed = {
      event: 'process-ended',
      server: 'server-2',
      code: null,
      signal: 'SIGKILL',
      wanted: true,
    } as const;
    const story = new Story().active(1, 'server-1', 2, 1.9, false).lab(2.5, killed);
    assert.deepEqual(inSeconds(story), [['server-1', 1, 3.496, 'lease']]);
  });

  it('begins when the first lease is acknowledged, whichever of role and lease is told first', () => {
    const roleFirst = new Story().journal(1, 'server-1', active).lease(1.5, 'server-1', 2);
    assert.deepEqual(inSeconds(roleFirst), [['server-1', 1.5, 3.196, 'lease']]);
    const leaseFirst = new Story().journal(1.6, 'server-1', active).lease(1.5, 'server-1', 2);
    assert.deepEqual(inSeconds(leaseFirst), [['server-1', 1.6, 3.196, 'lease']]);
  });

  it('begins anew when a lease that had ended is renewed all the same', () => {
    const story = new Story().active(1, 'server-1', 2, 1.1, false).lease(5, 'server-1', 2);
    assert.deepEqual(inSeconds(story), [
      ['server-1', 1, 2.7031, 'lease'],
      ['server-1', 5, 6.696, 'lease'],
    ]);
  });

  it('is nothing without the role: a claimant has a lease and is not active', () => {
    assert.deepEqual(inSeconds(new Story().lease(1, 'server-1', 2)), []);
  });

  it('is the role alone under the literal protocol, up to the end of the history', () => {
    const role = {
      event: 'role',
      from: 'settling',
      to: 'active',
      epoch: 0,
      rule: 'S2',
      reason: 'won',
    } as const;
    const story = new Story({ protocol: 'literal' })
      .journal(1, 'server-1', role)
      .journal(2, 'server-2', role);
    story.leaves(4, 'server-2', 0).lab(7, { event: 'lab-ended' });
    assert.deepEqual(inSeconds(story), [
      ['server-1', 1, 7, 'history'],
      ['server-2', 2, 4, 'role'],
    ]);
  });
});
