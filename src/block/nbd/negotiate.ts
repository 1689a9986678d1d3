import { connect, type Socket } from 'node:net';
import { DeviceUnusable, RequestFailed } from '../../ports/block-device.ts';
import { NbdClient } from '../../wire/nbd/client.ts';
import { NBD_REP_ERR, nbdRefusalName } from '../../wire/nbd/constants.ts';
import type { ExportInfo } from '../../wire/nbd/export-info.ts';
import type { Outcome } from '../../wire/nbd/outcome.ts';
import { grantedEpochIn } from '../../wire/nbd/refusal.ts';
import { TlsUnusable } from '../../tls/unusable.ts';
import type { NbdAddress } from '../uri-nbd.ts';
import { connectWithInbox } from '../inbox.ts';
import { shortened } from './shortened.ts';
import { type ClientTls, clientTls } from './tls.ts';

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
  /** What requests go through. */
  socket: Socket;
  /** The connection itself: under TLS another one than `socket`. */
  transport: Socket;
  wire: NbdClient;
  info: ExportInfo;
  structuredReplies: boolean;
}

/**
 * Connects and negotiates, all within `deadlineMs`; `take` gets the connection in the same turn, so that nothing it
 * says afterwards is missed. Rejects with `DeviceUnusable` when the server answered and will not or cannot serve this
 * export (`grantedEpoch` set when a gate said so), with `RequestFailed` code ENOTCONN when there was no such answer.
 */
export async function negotiate<T>(
  target: NbdTarget,
  deadlineMs: number,
  take: (ready: Negotiated) => T,
): Promise<T> {
  const tls = tlsFor(target);
  return new Promise((resolve, reject) => {
    const wire = new NbdClient(target.exportName, { tls: tls !== undefined });
    const transport = connectTo(target.address);
    let socket = transport;
    let stage: Stage = 'connecting';
    let lastError: Error | undefined;
    const timer = setTimeout(() => {
      fail(notConnected(target, `${missing[stage]} within ${Math.round(deadlineMs)} ms`));
    }, deadlineMs);

    function listen(): void {
      socket.on('data', onData).on('close', onClose).on('error', onError);
    }
    function leave(): void {
      socket.off('data', onData).off('close', onClose).off('error', onError);
    }
    function fail(error: Error): void {
      clearTimeout(timer);
      leave();
      for (const each of [socket, transport]) each.on('error', () => undefined).destroy();
      reject(error);
    }
    function onError(error: Error): void {
      lastError = error;
      const refusal = tls?.refusal(error);
      if (refusal !== undefined)
        fail(new DeviceUnusable(`${target.name}: ${refusal}`, undefined, { cause: error }));
    }
    function onClose(): void {
      const silent = stage === 'securing' || stage === 'secured' ? tls?.silentRefusal : undefined;
      fail(notConnected(target, silent ?? closedBecause(stage, lastError, wire), lastError));
    }
    function secure(): void {
      leave();
      transport.on('error', () => undefined);
      stage = 'securing';
      const secured = tls!.start(transport);
      socket = secured;
      listen();
      secured.once('secureConnect', () => {
        stage = 'secured';
        secured.write(wire.secured());
      });
    }
    function onData(chunk: Buffer): void {
      if (stage === 'secured') stage = 'negotiating';
      const outcomes = wire.receive(chunk);
      for (const outcome of outcomes) if (outcome.kind === 'send') socket.write(outcome.bytes);
      const end = outcomes.find((outcome) => outcome.kind !== 'send');
      if (end === undefined) return;
      // Whatever stands behind `ready` was said without being asked: the stream is broken before its first request.
      const ill = outcomes.find((outcome) => outcome.kind === 'broken') ?? end;
      if (ill.kind === 'start-tls') return secure();
      if (ill.kind !== 'ready') {
        return fail(isGoingDown(ill) ? notConnected(target, refusalOf(ill)) : unusable(target, ill));
      }
      clearTimeout(timer);
      leave();
      resolve(take({ ...ill, target, socket, transport, wire }));
    }
    listen();
    transport.once('connect', () => (stage = 'negotiating'));
  });
}

function tlsFor({ address: { tls }, name }: NbdTarget): ClientTls | undefined {
  try {
    return tls === undefined ? undefined : clientTls(tls);
  } catch (error) {
    if (!(error instanceof TlsUnusable)) throw error;
    throw new DeviceUnusable(`${name}: ${error.message}`, undefined, { cause: error });
  }
}

type Stage = 'connecting' | 'negotiating' | 'securing' | 'secured';

const missing: Readonly<Record<Stage, string>> = {
  connecting: 'no connection',
  negotiating: 'no NBD negotiation',
  securing: 'no TLS handshake',
  secured: 'no NBD negotiation',
};

function connectTo(address: NbdAddress): Socket {
  const where =
    'socketPath' in address ? { path: address.socketPath } : { host: address.host, port: address.port };
  const options = { ...where, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveAfterMs };
  // TLS takes the connection itself over, and receives in its own way.
  return address.tls === undefined ? connectWithInbox(options) : connect(options);
}

function closedBecause(stage: Stage, error: Error | undefined, wire: NbdClient): string {
  // "If the server is unwilling to allow the export, it MUST terminate the session."
  if (wire.unrefusable)
    return 'the server knows no NBD_OPT_GO, and closed the connection when asked for the export: it may not have it';
  if (error !== undefined)
    return stage === 'connecting' ? error.message : `connection lost while negotiating: ${error.message}`;
  return 'the server closed the connection while negotiating';
}

/** Nothing was sent, or nothing but a negotiation: no request has had an effect. */
function notConnected(target: NbdTarget, why: string, cause?: Error): RequestFailed {
  return new RequestFailed(`${target.name}: not connected: ${why}`, 'ENOTCONN', { cause });
}

function unusable(target: NbdTarget, outcome: Outcome): DeviceUnusable {
  switch (outcome.kind) {
    case 'no-tls': {
      const why = wordsOf(outcome);
      return new DeviceUnusable(
        `${target.name}: the server has no TLS, and nothing goes there in plain (${why})`,
      );
    }
    case 'refused':
      return new DeviceUnusable(`${target.name}: ${refusalOf(outcome)}`, grantedEpochIn(outcome.text));
    default: {
      const why = outcome.kind === 'broken' ? outcome.text : `${outcome.kind} came before its time`;
      return new DeviceUnusable(`${target.name}: ${why}`);
    }
  }
}

type Refused = Outcome & { kind: 'refused' | 'no-tls' };

/** It serves nobody now, and may serve again when it is back: no reason to give the export up. */
function isGoingDown(outcome: Outcome): outcome is Refused {
  return (outcome.kind === 'refused' || outcome.kind === 'no-tls') && outcome.type === NBD_REP_ERR.SHUTDOWN;
}

function refusalOf(refused: Refused): string {
  const what = refused.kind === 'no-tls' ? 'TLS' : 'the export';
  return `the server refused ${what} with ${wordsOf(refused)}`;
}

function wordsOf({ type, text }: Refused): string {
  const why = text === '' ? explain(type) : shortened(text);
  return why === '' ? nbdRefusalName(type) : `${nbdRefusalName(type)}: ${why}`;
}

/** For servers that give a number only. */
function explain(type: number): string {
  switch (type) {
    case NBD_REP_ERR.TLS_REQD:
      return 'it wants TLS, as nbds://';
    case NBD_REP_ERR.UNKNOWN:
      return 'it has no export of this name';
    default:
      return '';
  }
}
