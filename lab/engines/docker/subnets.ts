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
  const count = 2 ** (SUBNET_BITS - BENCHMARK_RANGE.bits);
  for (let i = 0; i < count; i++) {
    const index = (start + i) % count;
    const candidate = { first: BENCHMARK_RANGE.first + index * 2 ** (32 - SUBNET_BITS), bits: SUBNET_BITS };
    if (!taken.some((other) => overlap(candidate, other))) return candidate;
  }
  return undefined;
}
