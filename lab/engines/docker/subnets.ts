/** A block of IPv4 addresses: its first address as a number, and how many bits of it are fixed. */
export interface Subnet {
  first: number;
  bits: number;
}

/** RFC 2544: kept for tests between networks, so neither the internet nor a site's own plan has it. */
export const BENCHMARK_RANGE: Subnet = { first: 0xc612_0000, bits: 15 };

/** One network of a lab. */
const SUBNET_BITS = 24;

export function parseSubnet(text: string): Subnet | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(text);
  if (match === null) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, bits = 0] = match.slice(1).map(Number);
  if (Math.max(a, b, c, d) > 255 || bits > 32) return undefined;
  const size = 2 ** (32 - bits);
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  return { first: address - (address % size), bits };
}

export function formatSubnet(subnet: Subnet): string {
  return `${addressIn(subnet, 0)}/${subnet.bits}`;
}

/** The `host`-th address of a subnet, in dotted form. */
export function addressIn(subnet: Subnet, host: number): string {
  const address = subnet.first + host;
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

export function overlap(a: Subnet, b: Subnet): boolean {
  return a.first < b.first + 2 ** (32 - b.bits) && b.first < a.first + 2 ** (32 - a.bits);
}

/**
 * The first free subnet of the range, looked for from `start` on: labs that start at once and look from different places
 * do not meet. Undefined when every one is taken.
 */
export function chooseSubnet(taken: readonly Subnet[], start: number): Subnet | undefined {
  for (let i = 0; i < SUBNETS; i++) {
    const candidate = candidateAt((start + i) % SUBNETS);
    if (isFree(candidate, taken)) return candidate;
  }
  return undefined;
}

/** How many of the range's subnets nobody has, of how many. */
export function countFree(taken: readonly Subnet[]): { free: number; of: number } {
  let free = 0;
  for (let index = 0; index < SUBNETS; index++) if (isFree(candidateAt(index), taken)) free++;
  return { free, of: SUBNETS };
}

const SUBNETS = 2 ** (SUBNET_BITS - BENCHMARK_RANGE.bits);

function candidateAt(index: number): Subnet {
  return { first: BENCHMARK_RANGE.first + index * 2 ** (32 - SUBNET_BITS), bits: SUBNET_BITS };
}

function isFree(candidate: Subnet, taken: readonly Subnet[]): boolean {
  return !taken.some((other) => overlap(candidate, other));
}
