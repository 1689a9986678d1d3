import { NbdConnection } from '../block/nbd/connection.ts';
import type { NbdBlockDevice } from '../block/nbd/device.ts';
import { formatNbdUri, type NbdAddress } from '../block/uri-nbd.ts';
import { isNodeName } from '../area/field.ts';
import { DeviceUnusable } from '../ports/block-device.ts';
import { type Finding, ok, problem, size, warning } from './finding.ts';
import { isLoopback } from './reach.ts';

/** What an NBD server says and does beside serving its export. */
export interface NbdFacts {
  /** The server, for the agent's file: its URI without an export. */
  server: string;
  reach: 'socket' | 'loopback' | 'network';
  encrypted: boolean;
  durability: NbdBlockDevice['durability'];
  multiConn: boolean;
  minimumBytes: number;
  maximumPayloadBytes: number;
  gate: GateFacts;
}

/** `fencing` is undefined where the gate would not say: the client's TLS identity is no node's. */
export type GateFacts =
  | { kind: 'none' }
  | { kind: 'gate'; lastGrantedEpoch: number; fencing: boolean | undefined }
  /** Not asked: the server serves one client at a time. */
  | { kind: 'unasked' };

/** `served`: whether a second client got an answer; a gate is asked for with connections of their own. */
export async function nbdFacts(
  device: NbdBlockDevice,
  address: NbdAddress,
  options: { served: boolean; deadlineMs: number },
): Promise<NbdFacts> {
  const { info } = device;
  return {
    server: serverUri(address),
    reach: reachOf(address),
    encrypted: address.tls !== undefined,
    durability: device.durability,
    multiConn: info.canMultiConn,
    minimumBytes: info.blockSizes.minimumBytes,
    maximumPayloadBytes: info.blockSizes.maximumPayloadBytes,
    gate: options.served ? await askForGate(address, options.deadlineMs) : { kind: 'unasked' },
  };
}

/** Without an export, as an agent's file names a gate. */
export function serverUri(address: NbdAddress): string {
  const uri = formatNbdUri(address, '');
  return 'socketPath' in address ? uri : uri.replace(/\/(?=\?|$)/, '');
}

function reachOf(address: NbdAddress): NbdFacts['reach'] {
  if ('socketPath' in address) return 'socket';
  return isLoopback(address.host) ? 'loopback' : 'network';
}

/**
 * Asks for two exports that no gate ever lets in, and looks at the refusals: a gate names the epoch it granted last. The
 * first name is none of its names; the second is well-formed and of epoch 0, which only a gate without fencing admits. No
 * request is made on a connection that is let in.
 */
export async function askForGate(address: NbdAddress, deadlineMs: number): Promise<GateFacts> {
  const first = await asked(address, 'data@', deadlineMs);
  if (typeof first !== 'number') return { kind: 'none' };
  const identity = address.tls?.kind === 'psk' ? address.tls.identity : undefined;
  const node = identity !== undefined && isNodeName(identity) ? identity : 'doctor';
  const second = await asked(address, `data@${node}.0`, deadlineMs);
  const fencing = typeof second === 'number' ? true : second === 'let in' ? false : undefined;
  return { kind: 'gate', lastGrantedEpoch: first, fencing };
}

/** The epoch that a refusal named. */
async function asked(
  address: NbdAddress,
  exportName: string,
  deadlineMs: number,
): Promise<number | 'let in' | 'no epoch'> {
  try {
    const connection = await NbdConnection.open({ address, exportName, deadlineMs });
    await connection.close();
    return 'let in';
  } catch (error) {
    return (error instanceof DeviceUnusable ? error.grantedEpoch : undefined) ?? 'no epoch';
  }
}

export function judgeNbd(facts: NbdFacts, areaBytes: number): Finding[] {
  return [durability(facts), multiConn(facts), limits(facts, areaBytes), encryption(facts), judgeGate(facts)];
}

function durability({ durability }: NbdFacts): Finding {
  const thing = 'durability';
  switch (durability) {
    case 'fua':
      return ok(thing, 'writes by forced unit access: one round trip each');
    case 'flush':
      return ok(thing, 'no forced unit access: a flush follows every write, two round trips each');
    default:
      return problem(
        thing,
        'neither forced unit access nor flush: no write can be made durable',
        'start the server without an option that takes them away, or use another one',
      );
  }
}

function multiConn({ multiConn }: NbdFacts): Finding {
  const thing = 'shared cache';
  if (multiConn) return ok(thing, 'what is durable over one connection is so for all (CAN_MULTI_CONN)');
  return warning(
    thing,
    'the server does not promise one cache for all its connections (no CAN_MULTI_CONN)',
    'make sure that it has one: with --scratch a second client looks for what the first one wrote',
  );
}

function limits({ minimumBytes, maximumPayloadBytes }: NbdFacts, areaBytes: number): Finding {
  const thing = 'request sizes';
  const said = `multiples of ${minimumBytes}, at most ${size(maximumPayloadBytes)}`;
  if (maximumPayloadBytes >= areaBytes) return ok(thing, said);
  return problem(
    thing,
    `${said}; a quorum area of ${size(areaBytes)} is read at once`,
    'raise the limit of the server',
  );
}

function encryption({ encrypted, reach, server }: NbdFacts): Finding {
  const thing = 'encryption';
  if (encrypted) return ok(thing, 'TLS');
  if (reach === 'socket') return ok(thing, 'none, and none is needed on a Unix socket of this machine');
  if (reach === 'loopback') return ok(thing, 'none, and none is needed within this machine');
  return warning(
    thing,
    'none: whoever reaches the server can read and write in the name of any node',
    `keep ${server} on a network of its own, or use TLS (nbds://)`,
  );
}

/** Of the data area: what shuts out a former owner. */
export function judgeGate({ gate, server }: Pick<NbdFacts, 'gate' | 'server'>): Finding {
  const thing = 'fencing';
  switch (gate.kind) {
    case 'none':
      return warning(
        thing,
        'the server is no gate: as a data area nothing of it shuts out a former owner',
        'for a data area serve the same disk by `arbiter storage`; as a quorum area it needs none',
      );
    case 'unasked':
      return warning(thing, 'not found out: the server serves one client at a time', 'let it serve more');
    default: {
      const granted =
        gate.lastGrantedEpoch === 0 ? 'nothing granted yet' : `last granted epoch ${gate.lastGrantedEpoch}`;
      if (gate.fencing === true)
        return ok(thing, `a gate, ${granted}; in the agent's file: data: ${server}, fencing: gate`);
      if (gate.fencing === false)
        return problem(thing, 'a gate that lets everybody in', 'start it without --no-fencing');
      return ok(thing, `a gate, ${granted}; it lets nodes in by their TLS identity`);
    }
  }
}
