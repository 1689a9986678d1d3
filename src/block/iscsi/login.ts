import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { DeviceUnusable, RequestFailed } from '../../ports/block-device.ts';
import { ChapMemory } from '../../wire/iscsi/chap-memory.ts';
import { ISCSI_DEFAULT_PORT } from '../../wire/iscsi/constants.ts';
import { Initiator } from '../../wire/iscsi/initiator.ts';
import type { InitiatorOptions } from '../../wire/iscsi/options.ts';
import type { InitiatorOutcome } from '../../wire/iscsi/outcome.ts';
import type { SessionParameters } from '../../wire/iscsi/session-parameters.ts';
import { connectWithInbox } from '../inbox.ts';
import { formatIscsiUri, type IscsiAddress } from '../uri-iscsi.ts';
import { accountOf, AccountUnusable } from './account.ts';
import { initiatorNameFor, randomIsid } from './identity.ts';

/** An idle connection is probed after this, so that a peer that vanished is noticed. */
const keepAliveAfterMs = 1000;
/** Of all sessions: what one asked a target must not come back as what a target asks another. */
const memory = new ChapMemory();
/** RFC 7143, section 11.13.5: an error of the target, which may be over the next time. */
const targetError = 3;

export interface IscsiTarget {
  address: IscsiAddress;
  /** Without it that of the address, or of this server. */
  initiatorName?: string;
  /** Free text that a target shows beside the name (RFC 7143, section 13.7). */
  alias?: string;
  /** Without it a fresh one: a session under the ISID of another takes that one's place (section 6.3.5). */
  isid?: Uint8Array;
}

/** A connection whose login is over. */
export interface LoggedIn {
  /** For messages. */
  name: string;
  socket: Socket;
  wire: Initiator;
  session: SessionParameters;
  /** What came with the end of the login, and is still to be acted on. */
  outcomes: readonly InitiatorOutcome[];
}

interface Place {
  host: string;
  port: number;
}

type Ended = { kind: 'done' } | { kind: 'redirected'; to: Place; text: string };

/**
 * Connects and logs in, all within `deadlineMs`; `take` gets the connection in the same turn, so that nothing it says
 * afterwards is missed. A target that says it is to be found elsewhere (RFC 7143, section 11.13.5) is followed there once;
 * the next session begins at its own address again. Rejects with `DeviceUnusable` when the target answered and will not
 * or cannot let this initiator in, with `RequestFailed` code ENOTCONN when there was no such answer.
 */
export async function logIn<T>(
  target: IscsiTarget,
  deadlineMs: number,
  take: (ready: LoggedIn) => T,
): Promise<T> {
  const untilMs = performance.now() + deadlineMs;
  const name = formatIscsiUri(target.address);
  const options = optionsFor(target, name);
  let taken: T;
  const attempt = (place: Place): Promise<Ended> =>
    logInAt(place, name, options, { deadlineMs, untilMs }, (ready) => (taken = take(ready)));
  let ended = await attempt(target.address);
  if (ended.kind === 'redirected') {
    const { text } = ended;
    ended = await attempt(ended.to);
    if (ended.kind === 'redirected')
      throw new DeviceUnusable(`${name}: ${text}, and from there again: ${ended.text}`);
  }
  return taken!;
}

function optionsFor({ address, initiatorName, alias, isid }: IscsiTarget, name: string): InitiatorOptions {
  try {
    const chap = accountOf(address, process.env);
    return {
      initiatorName: address.initiatorName ?? initiatorName ?? initiatorNameFor(),
      ...(alias === undefined ? {} : { initiatorAlias: alias }),
      targetName: address.target,
      isid: isid ?? randomIsid(),
      headerDigest: address.headerDigest,
      dataDigest: address.dataDigest,
      ...(chap === undefined ? {} : { chap: { ...chap, memory } }),
      randomBytes: (lengthBytes) => randomBytes(lengthBytes),
      md5: (bytes) => createHash('md5').update(bytes).digest(),
    };
  } catch (error) {
    if (error instanceof AccountUnusable) throw unusable(name, error.message, error);
    throw error;
  }
}

function logInAt(
  { host, port }: Place,
  name: string,
  options: InitiatorOptions,
  { deadlineMs, untilMs }: { deadlineMs: number; untilMs: number },
  take: (ready: LoggedIn) => void,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const wire = initiator(name, options);
    const alive = { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveAfterMs };
    const socket = connectWithInbox({ host, port, ...alive }, { again: true });
    let connected = false;
    let lastError: Error | undefined;
    const timer = setTimeout(
      () => {
        const what = connected ? `${wire.phase}: no answer` : 'no connection';
        fail(notConnected(name, `${what} within ${Math.round(deadlineMs)} ms`));
      },
      Math.max(0, untilMs - performance.now()),
    );

    function leave(): void {
      clearTimeout(timer);
      socket.off('data', onData).off('close', onClose).off('error', onError);
    }
    function end(settle: () => void): void {
      leave();
      socket.on('error', () => undefined).destroy();
      settle();
    }
    function fail(error: Error): void {
      end(() => reject(error));
    }
    function onError(error: Error): void {
      lastError = error;
    }
    function onClose(): void {
      const why = lastError?.message ?? 'the target closed the connection';
      fail(notConnected(name, connected ? `${wire.phase}: ${why}` : why, lastError));
    }
    function send(pieces: readonly Uint8Array[]): void {
      for (const piece of pieces) socket.write(piece);
    }
    function onData(chunk: Buffer): void {
      const outcomes = wire.receive(chunk);
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.kind === 'send') send(outcome.pieces);
        else if (outcome.kind === 'ready') return ready(outcome.session, outcomes.slice(index + 1));
        else if (outcome.kind !== 'redirected') return fail(refusal(name, outcome));
        else return redirected(outcome);
      }
    }
    function ready(session: SessionParameters, rest: readonly InitiatorOutcome[]): void {
      // Whatever makes no sense right behind the login: the stream is broken before its first command.
      const ill = rest.find((outcome) => outcome.kind === 'broken');
      if (ill !== undefined) return fail(refusal(name, ill));
      leave();
      take({ name, socket, wire, session, outcomes: rest });
      resolve({ kind: 'done' });
    }
    function redirected({ address, text }: InitiatorOutcome & { kind: 'redirected' }): void {
      const to = placeOf(address);
      if (to === undefined) fail(unusable(name, `${text}, which is no address`));
      else end(() => resolve({ kind: 'redirected', to, text }));
    }
    socket.on('data', onData).on('close', onClose).on('error', onError);
    socket.once('connect', () => {
      connected = true;
      send(wire.begin());
    });
  });
}

function initiator(name: string, options: InitiatorOptions): Initiator {
  try {
    return new Initiator(options);
  } catch (error) {
    if (error instanceof RangeError) throw unusable(name, error.message, error);
    throw error;
  }
}

/** RFC 7143, section 13.8: domainname[:port][,portal-group-tag], an IPv6 address in brackets. */
function placeOf(address: string): Place | undefined {
  const match =
    /^(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<name>[^:,[\]\s]+))(?::(?<port>[0-9]{1,5}))?(?:,[0-9]+)?$/.exec(address);
  const host = match?.groups?.['v6'] ?? match?.groups?.['name'];
  const port = Number(match?.groups?.['port'] ?? ISCSI_DEFAULT_PORT);
  return host === undefined || port < 1 || port > 65535 ? undefined : { host, port };
}

/** Nothing was sent but a login: no command has had an effect. */
function notConnected(name: string, why: string, cause?: Error): RequestFailed {
  return new RequestFailed(`${name}: not connected: ${why}`, 'ENOTCONN', { cause });
}

function unusable(name: string, why: string, cause?: Error): DeviceUnusable {
  return new DeviceUnusable(`${name}: ${why}`, undefined, { cause });
}

function refusal(name: string, outcome: InitiatorOutcome): Error {
  switch (outcome.kind) {
    case 'refused':
      return outcome.statusClass === targetError
        ? notConnected(name, outcome.text)
        : unusable(name, outcome.text);
    case 'broken':
      return unusable(name, outcome.text);
    default:
      return unusable(name, `${outcome.kind} came before its time`);
  }
}
