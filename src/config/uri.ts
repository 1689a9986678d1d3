import { carriesSecret, type DeviceUri, parseDeviceUri } from '../block/uri.ts';
import type { TlsAccess } from '../block/uri-tls.ts';
import { withoutSecret } from '../block/uri-parts.ts';
import { fencingFor } from './fencing.ts';
import { DeviceUnusable } from '../ports/block-device.ts';

/** What is wrong with `uri` as a block device of an agent, the URI named; undefined when nothing is. */
export function deviceUriProblem(uri: string): string | undefined {
  const device = parsed(uri);
  if (typeof device === 'string') return device;
  if (device.kind === 'file' && !device.path.startsWith('/')) {
    return `'${uri}': a path from the root on, for an agent may be started anywhere`;
  }
  const path = pathsOf(device).find((each) => !each.startsWith('/'));
  if (path !== undefined) {
    return `'${shown(uri)}': '${path}': a path from the root on, for agent and service may be started anywhere`;
  }
  return undefined;
}

/** Files that are read for the device to be talked to. */
function pathsOf(device: DeviceUri): readonly string[] {
  switch (device.kind) {
    case 'nbd':
      return tlsPath(device.address.tls);
    case 'iscsi':
      return [device.address.secretFile, device.address.targetSecretFile].filter(
        (path) => path !== undefined,
      );
    default:
      return [];
  }
}

function tlsPath(tls: TlsAccess | undefined): readonly string[] {
  if (tls === undefined) return [];
  return [tls.kind === 'psk' ? tls.file : tls.directory];
}

/** What is wrong with `uri` as the data area of `node` behind a gate; undefined when nothing is. */
export function gateUriProblem(uri: string, node: string): string | undefined {
  const device = parsed(uri);
  if (typeof device === 'string') return device;
  if (device.kind !== 'nbd') {
    return `'${shown(uri)}': \`fencing: gate\` needs an NBD server that is a gate, as nbd://HOST:PORT`;
  }
  const { tls } = device.address;
  if (tls?.kind === 'psk' && tls.identity !== node) {
    const said = tls.identity === undefined ? 'no identity' : `the identity '${tls.identity}'`;
    return `'${uri}': has ${said}; a gate lets a node in by its own key only, as nbds://${node}@HOST`;
  }
  if (device.exportName === '') return undefined;
  return `'${uri}': with \`fencing: gate\` the URI has no export name; the agent asks for data@NODE.EPOCH.INCARNATION`;
}

/** An agent's file may have a secret in it, and messages end up in logs. */
function shown(uri: string): string {
  return carriesSecret(uri) ? withoutSecret(uri) : uri;
}

/** What is wrong with `uris` as the paths to one unit whose reservation is taken; undefined when nothing is. */
export function reservationUriProblem(uris: readonly [string, ...string[]]): string | undefined {
  const wrong = uris.find((uri) => fencingFor([uri]) !== 'reservation');
  if (wrong !== undefined) {
    return `'${shown(wrong)}': \`fencing: reservation\` needs a SCSI unit, as iscsi://HOST/TARGET/LUN or /dev/disk/by-id/NAME`;
  }
  if (new Set(uris).size < uris.length) return 'the same path stands there twice';
  const disk = uris.find((uri) => parseDeviceUri(uri).kind === 'file');
  return uris.length > 1 && disk !== undefined
    ? `'${disk}': a disk of this machine is one path; several are for iSCSI`
    : undefined;
}

/** Of a list where one URI has to do. */
export function pathsProblem(uris: readonly string[]): string {
  return `${uris.length} URIs; several paths to one unit need \`fencing: reservation\``;
}

function parsed(uri: string): DeviceUri | string {
  try {
    return parseDeviceUri(uri);
  } catch (error) {
    if (error instanceof DeviceUnusable) return error.message;
    throw error;
  }
}

/** A Unix socket's path has 108 bytes in the kernel, the NUL included (unix(7)). */
const SOCKET_PATH_MAX = 107;

/** What is wrong with `path` as that of a socket; undefined when nothing is. */
export function socketPathProblem(path: string): string | undefined {
  const length = Buffer.byteLength(path);
  return length > SOCKET_PATH_MAX
    ? `'${path}': a socket's path has at most ${SOCKET_PATH_MAX} bytes, this one ${length}`
    : undefined;
}

/** What is wrong with `address` as the place of the status endpoint, the address named; undefined when nothing is. */
export function statusAddressProblem(address: string): string | undefined {
  const wrong = `'${address}': must be unix:/PATH or tcp://127.0.0.1:PORT`;
  if (address.startsWith('unix:')) {
    const path = address.slice('unix:'.length);
    if (!path.startsWith('/')) return wrong;
    return socketPathProblem(path);
  }
  const url = URL.parse(address);
  if (url === null || url.protocol !== 'tcp:' || url.port === '') return wrong;
  return ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
    ? undefined
    : `${wrong}; it has no access control and is served on the loopback address only`;
}
