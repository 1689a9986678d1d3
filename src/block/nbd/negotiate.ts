import { connect, type Socket } from 'node:net';
import { DeviceUnusable, RequestFailed } from '../../ports/block-device.ts';
import { NbdClient } from '../../wire/nbd/client.ts';
import { NBD_REP_ERR, nbdRefusalName } from '../../wire/nbd/constants.ts';
import type { ExportInfo } from '../../wire/nbd/export-info.ts';
import type { Outcome } from '../../wire/nbd/outcome.ts';
import { grantedEpochIn } from '../../wire/nbd/refusal.ts';
import { type NbdAddress } from '../uri.ts';
import { shortened } from './shortened.ts';

/** An idle connection is probed after this, so that a peer that vanished is noticed. */
const keepAliveAfterMs = 1000;

export interface NbdTarget {
  address: NbdAddress;
  exportName: string;
  /** For messages: the URI. */
  name: string;
}

/** A connection whose negotiation is over. */
export interface Negotiated {
  target: NbdTarget;
  socket: Socket;
  wire: NbdClient;
  info: ExportInfo;
  structuredReplies: boolean;
}

/**
 * Connects and negotiates, all within `deadlineMs`; `take` gets the connection in the same turn, so that nothing it
 * says afterwards is missed. Rejects with `DeviceUnusable` when the server answered and will not or cannot serve this
 * export (`grantedEpoch` set when a gate said so), with `RequestFailed` code ENOTCONN when there was no such answer.
 */
export function negotiate<T>(
  target: NbdTarget,
  deadlineMs: number,
  take: (ready: Negotiated) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const wire = new NbdClient(target.exportName);
    const socket = connect({
      ...('socketPath' in target.address ? { path: target.address.socketPath } : target.address),
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveAfterMs,
    });
    let connected = false;
    let lastError: Error | undefined;
    const timer = setTimeout(() => {
      fail(
        notConnected(
          target,
          `${connected ? 'no NBD negotiation' : 'no connection'} within ${Math.round(deadlineMs)} ms`,
        ),
      );
    }, deadlineMs);

    function leave(): void {
      clearTimeout(timer);
      socket.off('connect', onConnect).off('data', onData).off('close', onClose).off('error', onError);
    }
    function fail(error: Error): void {
      leave();
      socket.on('error', () => undefined);
      socket.destroy();
      reject(error);
    }
    function onConnect(): void {
      connected = true;
    }
    function onError(error: Error): void {
      lastError = error;
    }
    function onClose(): void {
      fail(notConnected(target, closedBecause(connected, lastError, wire), lastError));
    }
    function onData(chunk: Buffer): void {
      const outcomes = wire.receive(chunk);
      for (const outcome of outcomes) if (outcome.kind === 'send') socket.write(outcome.bytes);
      const end = outcomes.find((outcome) => outcome.kind !== 'send');
      if (end === undefined) return;
      // Whatever stands behind `ready` was said without being asked: the stream is broken before its first request.
      const ill = outcomes.find((outcome) => outcome.kind === 'broken') ?? end;
      if (ill.kind !== 'ready') {
        fail(isGoingDown(ill) ? notConnected(target, refusalOf(ill)) : unusable(target, ill));
        return;
      }
      leave();
      resolve(take({ ...ill, target, socket, wire }));
    }
    socket.on('connect', onConnect).on('data', onData).on('close', onClose).on('error', onError);
  });
}

function closedBecause(connected: boolean, error: Error | undefined, wire: NbdClient): string {
  // "If the server is unwilling to allow the export, it MUST terminate the session."
  if (wire.unrefusable)
    return 'the server knows no NBD_OPT_GO, and closed the connection when asked for the export: it may not have it';
  if (error !== undefined)
    return connected ? `connection lost while negotiating: ${error.message}` : error.message;
  return 'the server closed the connection while negotiating';
}

/** Nothing was sent, or nothing but a negotiation: no request has had an effect. */
function notConnected(target: NbdTarget, why: string, cause?: Error): RequestFailed {
  return new RequestFailed(`${target.name}: not connected: ${why}`, 'ENOTCONN', { cause });
}

function unusable(target: NbdTarget, outcome: Outcome): DeviceUnusable {
  if (outcome.kind !== 'refused') {
    const why = outcome.kind === 'broken' ? outcome.text : `${outcome.kind} came before its time`;
    return new DeviceUnusable(`${target.name}: ${why}`);
  }
  return new DeviceUnusable(`${target.name}: ${refusalOf(outcome)}`, grantedEpochIn(outcome.text));
}

type Refused = Outcome & { kind: 'refused' };

/** It serves nobody now, and may serve again when it is back: no reason to give the export up. */
function isGoingDown(outcome: Outcome): outcome is Refused {
  return outcome.kind === 'refused' && outcome.type === NBD_REP_ERR.SHUTDOWN;
}

function refusalOf({ type, text }: Refused): string {
  const refused = `the server refused the export with ${nbdRefusalName(type)}`;
  const why = text === '' ? explain(type) : shortened(text);
  return why === '' ? refused : `${refused}: ${why}`;
}

/** For servers that give a number only. */
function explain(type: number): string {
  switch (type) {
    case NBD_REP_ERR.TLS_REQD:
      return 'it wants TLS, which is not supported yet';
    case NBD_REP_ERR.UNKNOWN:
      return 'it has no export of this name';
    default:
      return '';
  }
}
