import type Docker from 'dockerode';
import { networkInterfaces } from 'node:os';
import { plainWords } from './connect.ts';
import { labelsFor, nameFor } from './labels.ts';
import { addressIn, chooseSubnet, formatSubnet, parseSubnet, type Subnet } from './subnets.ts';
import type { Networks } from './topology.ts';
import { within } from './within.ts';

const ATTEMPTS = 10;

/** `storage` (the SAN) and `service` (clients): both without a way out, on subnets nobody else uses. */
export async function createNetworks(docker: Docker, labId: string): Promise<Networks> {
  const storage = await createNetwork(docker, labId, 'storage');
  const service = await createNetwork(docker, labId, 'service');
  return { storage, service };
}

/** Gives a container that is not started yet a second network, and the address it has there. */
export async function joinNetwork(
  docker: Docker,
  network: string,
  container: { id: string; name: string },
  address: string,
): Promise<void> {
  const join = { Container: container.id, EndpointConfig: { IPAMConfig: { IPv4Address: address } } };
  await within(
    20_000,
    `joining ${container.name} to a second network`,
    docker.getNetwork(network).connect(join),
  );
}

async function createNetwork(docker: Docker, labId: string, what: 'storage' | 'service') {
  const name = nameFor(labId, what);
  const refused: Subnet[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const subnet = chooseSubnet([...(await takenSubnets(docker)), ...refused], startFor(labId));
    if (subnet === undefined) break;
    try {
      const create = docker.createNetwork({
        Name: name,
        Internal: true,
        CheckDuplicate: true,
        IPAM: { Config: [{ Subnet: formatSubnet(subnet), Gateway: addressIn(subnet, 1) }] },
        Labels: labelsFor(labId, 'network'),
      });
      return { id: (await within(20_000, `creating network ${name}`, create)).id, subnet };
    } catch (error) {
      // Another lab was quicker, or a route of the host is in the way: the engine's word counts.
      if (!/overlap|conflict/i.test((error as Error).message)) {
        throw new Error(`network ${name} cannot be created: ${plainWords(error as Error)}`, { cause: error });
      }
      refused.push(subnet);
    }
  }
  throw new Error(
    `network ${name} cannot be created: no free subnet in 198.18.0.0/15 after ${refused.length} refusals`,
  );
}

/** Labs that start at once look from different places. */
function startFor(labId: string): number {
  let sum = 0;
  for (const char of labId) sum = (sum * 31 + char.codePointAt(0)!) % 512;
  return sum;
}

/** What the engine's networks and this machine's interfaces have. */
export async function takenSubnets(docker: Docker): Promise<Subnet[]> {
  const networks = await within(10_000, 'listing networks', docker.listNetworks());
  const ofEngine = networks
    .flatMap((network) => network.IPAM?.Config ?? [])
    .map(({ Subnet }) => Subnet ?? '');
  const ofHost = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .map(({ cidr }) => cidr ?? '');
  return [...ofEngine, ...ofHost].map(parseSubnet).filter((subnet) => subnet !== undefined);
}
