import type { Verdict } from '../history/events.ts';
import { deathWaitMs } from '../../src/protocol/timing.ts';
import type { WorldLine } from '../engines/engine.ts';
import { labTimings } from './defaults.ts';
import type { Granted } from './facts.ts';

/** Something a scenario waits to see, or must never see, in what the world says. */
export interface Expectation {
  what: string;
  /** The verdict where it is not met: `unknown` when the run then means nothing, `violated` when a promise was broken. */
  otherwise: Verdict;
  fits(line: WorldLine): boolean;
}

/** A server tried to use the data area under an epoch older than `afterEpoch`, and the storage node refused. Without it a run that claims to test fencing is vacuous. */
export function refusedWrite(of: { by: string; afterEpoch: number }): Expectation {
  return {
    what: `the storage node refuses ${of.by} with an epoch below ${of.afterEpoch}`,
    otherwise: 'unknown',
    fits: (line) =>
      line.from === 'storage' &&
      (line.line.event === 'refused' || line.line.event === 'write-refused') &&
      line.line.node === of.by &&
      line.line.epoch !== null &&
      line.line.epoch < of.afterEpoch,
  };
}

/** The server says that it cannot see the quorum area. */
export function saysItIsBlind(server: string): Expectation {
  return {
    what: `${server} says that it is blind`,
    otherwise: 'violated',
    fits: (line) =>
      line.from === 'server' && line.server === server && line.line.event === 'blind' && !line.line.healed,
  };
}

/** Any server other than `than` becomes active. */
export function anotherBecomesActive(than: string): Expectation {
  return {
    what: `a server other than ${than} becomes active`,
    otherwise: 'violated',
    fits: (line) =>
      line.from === 'server' &&
      line.server !== than &&
      line.line.event === 'role' &&
      line.line.to === 'active',
  };
}

/** An owner finds that somebody wrote over its record, and writes its own again (R5). */
export function anOwnerIsOverwritten(): Expectation {
  return {
    what: 'an owner finds its record overwritten',
    otherwise: 'violated',
    fits: (line) => line.from === 'server' && line.line.event === 'overwrote',
  };
}

/** The server released the area on disk (R8). */
export function released(server: string): Expectation {
  return {
    what: `${server} releases the area`,
    otherwise: 'violated',
    fits: (line) =>
      line.from === 'server' && line.server === server && line.line.event === 'released' && line.line.written,
  };
}

/** The service of some server is started under an epoch above this one. */
export function servesAbove(epoch: number): Expectation {
  return {
    what: `some server serves under an epoch above ${epoch}`,
    otherwise: 'violated',
    fits: (line) =>
      line.from === 'server' &&
      line.line.event === 'service' &&
      line.line.phase === 'started' &&
      line.line.epoch > epoch,
  };
}

/** The server would take over, and does not because the area is paused (R10). */
export function holdsBack(server: string): Expectation {
  return {
    what: `${server} says that it holds a takeover back`,
    otherwise: 'violated',
    fits: (line) => line.from === 'server' && line.server === server && line.line.event === 'takeover-held',
  };
}

/** The service of this server writes to the data area. */
export function writes(server: string): Expectation {
  return {
    what: `${server} writes to the data area`,
    otherwise: 'unknown',
    fits: (line) => line.from === 'storage' && line.line.event === 'write' && line.line.node === server,
  };
}

/** A write of `server` to the data area was carried out under its old epoch although a newer owner had been let in. */
export function wroteUnderOldEpoch(of: { by: string; afterT: number }): Expectation {
  return {
    what: `${of.by} writes to the data area although a newer owner was let in`,
    otherwise: 'unknown',
    fits: (line) =>
      line.from === 'storage' &&
      line.line.event === 'write' &&
      line.line.node === of.by &&
      line.line.outcome === 'ok' &&
      line.line.beganAt > of.afterT,
  };
}

/** Somebody is let into the data area under this grant. */
export function isLetIn({ node, epoch }: Granted): Expectation {
  return {
    what: `${node} is let in under epoch ${epoch}`,
    otherwise: 'violated',
    fits: (line) =>
      line.from === 'storage' &&
      line.line.event === 'admitted' &&
      line.line.node === node &&
      line.line.epoch === epoch,
  };
}

/** Any server other than `than` is let into the data area. */
export function anybodyElseIsLetIn(than: string): Expectation {
  return {
    what: `a server other than ${than} is let into the data area`,
    otherwise: 'violated',
    fits: (line) => line.from === 'storage' && line.line.event === 'admitted' && line.line.node !== than,
  };
}

/** A newer owner takes the reservation away from this one; not the owner itself, from a session of its own that is gone. */
export function isPreempted({ node, epoch }: Granted): Expectation {
  return {
    what: `a newer owner preempts ${node} with its epoch ${epoch}`,
    otherwise: 'unknown',
    fits: ({ from, ...said }) => {
      if (from !== 'storage' || !('line' in said) || said.line.event !== 'reservation') return false;
      const { action, outcome, key, serviceActionKey } = said.line;
      if (!action.startsWith('preempt') || outcome !== 'ok') return false;
      return epochOfKey(serviceActionKey) === epoch && epochOfKey(key) > epoch;
    },
  };
}

/** The lower 48 bits of a key are its epoch (PROTOCOL.md, "The data area at the storage node"). */
function epochOfKey(key: string): number {
  return Number(BigInt.asUintN(48, BigInt(key)));
}

/** So many times D, in milliseconds: the unit of a scenario's patience. */
export function deathWaits(times: number): number {
  return times * deathWaitMs(labTimings);
}

/** A scenario did not see what it had to see; the reason is in the history already. */
export class ExpectationMissed extends Error {
  override readonly name = 'ExpectationMissed';
}
