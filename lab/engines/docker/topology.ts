import type Docker from 'dockerode';
import { join, relative } from 'node:path';
import { projectRoot } from '../programs.ts';
import { type Role, labelsFor, nameFor } from './labels.ts';
import { addressIn, type Subnet } from './subnets.ts';

export const NBD_PORT = 10809;
export const SERVICE_PORT = 7000;
/** Directory of tmpfs in the storage node and in servers: sockets, configuration, state of the agent. Gone with a power cycle, as it should be. */
export const RUN = '/run/arbiter';
export const DATA = '/data';
const USER = '10001:10001';

export interface Networks {
  storage: { id: string; subnet: Subnet };
  service: { id: string; subnet: Subnet };
}

/** Fixed places on both networks; .1 is the engine's bridge. */
export const addresses = {
  storage: (networks: Networks) => addressIn(networks.storage.subnet, 2),
  client: (networks: Networks) => addressIn(networks.service.subnet, 3),
  server: (networks: Networks, side: keyof Networks, index: number) =>
    addressIn(networks[side].subnet, 11 + index),
};

/** A program of the project as it is called in the image. */
export function inImage(program: string): string {
  return join('/app', relative(projectRoot, program)).replace(/\.ts$/, '.js');
}

export type ContainerOptions = Docker.ContainerCreateOptions & { name: string };

interface Common {
  labId: string;
  image: string;
}

/** What every container of a lab has, and what none has: no capability, no way to gain one, no writable root. */
function common(
  { labId, image }: Common,
  what: string,
  role: Role,
  cmd: readonly string[],
): ContainerOptions {
  return {
    name: nameFor(labId, what),
    Image: image,
    Cmd: [...cmd],
    User: USER,
    WorkingDir: '/tmp',
    Env: ['HOME=/tmp'],
    Labels: labelsFor(labId, role),
    HostConfig: {
      Init: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      PidsLimit: 256,
      Tmpfs: { '/tmp': 'rw,mode=1777,size=16m', [RUN]: 'rw,mode=0700,uid=10001,gid=10001,size=16m' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '20m', 'max-file': '1' } },
    },
  };
}

/** Owns a server's network namespace, so that address, rules and links survive the server's death. It alone has NET_ADMIN. */
export function holderOptions(
  lab: Common,
  server: string,
  networks: Networks,
  index: number,
): ContainerOptions {
  const options = common(lab, `${server}-net`, 'holder', ['sleep', 'infinity']);
  return {
    ...options,
    User: '0:0', // a capability is effective for root only
    HostConfig: {
      ...options.HostConfig,
      CapAdd: ['NET_ADMIN'],
      Tmpfs: { '/run': 'rw,size=1m' },
      NetworkMode: networks.storage.id,
    },
    NetworkingConfig: endpoint(networks.storage.id, addresses.server(networks, 'storage', index)),
  };
}

/** A holder without any network, for `tryAbilities`. */
export function trialOptions(lab: Common): ContainerOptions {
  const options = common(lab, 'trial', 'holder', ['sleep', 'infinity']);
  return {
    ...options,
    User: '0:0',
    HostConfig: {
      ...options.HostConfig,
      CapAdd: ['NET_ADMIN'],
      Tmpfs: { '/run': 'rw,size=1m' },
      NetworkMode: 'none',
    },
  };
}

/** Where a container that needs the secret of the lab's target finds it. */
export const SECRET_FILE = `${RUN}/chap-secret`;

/**
 * Files come in variables (nothing can be copied into a read-only container), which the program itself does not see: the
 * agent's own, and a secret, which has to be readable for its owner alone.
 */
const WRITE_FILES_AND_RUN = [
  `umask 077 && mkdir -p ${RUN}/state`,
  `if [ -n "$LAB_AGENT_CONFIG" ]; then printf %s "$LAB_AGENT_CONFIG" > ${RUN}/agent.yaml; fi`,
  `if [ -n "$LAB_CHAP_SECRET" ]; then printf %s "$LAB_CHAP_SECRET" > ${SECRET_FILE}; fi`,
  'unset LAB_AGENT_CONFIG LAB_CHAP_SECRET && exec "$@"',
].join(' && ');

function withFiles(
  options: ContainerOptions,
  files: { secret: string | undefined; config?: unknown },
): ContainerOptions {
  const { secret, config } = files;
  return {
    ...options,
    Cmd: ['sh', '-c', WRITE_FILES_AND_RUN, 'sh', ...(options.Cmd ?? [])],
    Env: [
      ...(options.Env ?? []),
      ...(config === undefined ? [] : [`LAB_AGENT_CONFIG=${JSON.stringify(config)}`]),
      ...(secret === undefined ? [] : [`LAB_CHAP_SECRET=${secret}`]),
    ],
  };
}

/** Somebody who has to know the secret of the lab's target, where it has one. */
type Trusted = Common & { secret: string | undefined };

export function serverOptions(
  lab: Trusted,
  server: string,
  holderId: string,
  config: unknown,
  agent: readonly string[],
): ContainerOptions {
  const options = withFiles(common(lab, server, 'server', agent), { secret: lab.secret, config });
  return {
    ...options,
    HostConfig: { ...options.HostConfig, NetworkMode: `container:${holderId}` },
  };
}

export function storageOptions(
  lab: Trusted,
  volume: string,
  networks: Networks,
  cmd: readonly string[],
): ContainerOptions {
  const options = withFiles(common(lab, 'storage', 'storage', cmd), { secret: lab.secret });
  return {
    ...options,
    HostConfig: { ...options.HostConfig, NetworkMode: networks.storage.id, Binds: [`${volume}:${DATA}`] },
    NetworkingConfig: endpoint(networks.storage.id, addresses.storage(networks)),
  };
}

export function clientOptions(lab: Common, networks: Networks, cmd: readonly string[]): ContainerOptions {
  const options = common(lab, 'client', 'client', cmd);
  return {
    ...options,
    HostConfig: { ...options.HostConfig, NetworkMode: networks.service.id },
    NetworkingConfig: endpoint(networks.service.id, addresses.client(networks)),
  };
}

function endpoint(
  network: string,
  address: string,
): NonNullable<Docker.ContainerCreateOptions['NetworkingConfig']> {
  return { EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: address } } } };
}
