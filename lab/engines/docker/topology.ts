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

/** The agent's file comes in a variable (nothing can be copied into a read-only container), which the agent itself does not see. */
const WRITE_CONFIG_AND_RUN = `umask 077; mkdir -p ${RUN}/state && printf %s "$LAB_AGENT_CONFIG" > ${RUN}/agent.yaml && unset LAB_AGENT_CONFIG && exec "$@"`;

export function serverOptions(
  lab: Common,
  server: string,
  holderId: string,
  config: unknown,
  agent: readonly string[],
): ContainerOptions {
  const options = common(lab, server, 'server', ['sh', '-c', WRITE_CONFIG_AND_RUN, 'sh', ...agent]);
  return {
    ...options,
    Env: [...(options.Env ?? []), `LAB_AGENT_CONFIG=${JSON.stringify(config)}`],
    HostConfig: { ...options.HostConfig, NetworkMode: `container:${holderId}` },
  };
}

export function storageOptions(
  lab: Common,
  volume: string,
  networks: Networks,
  cmd: readonly string[],
): ContainerOptions {
  const options = common(lab, 'storage', 'storage', cmd);
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
