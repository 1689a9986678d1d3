import { openBlockDevice } from '../block/open.ts';
import type { BlockDevice } from '../ports/block-device.ts';
import { type Finding, ok, problem } from './finding.ts';

/** A second client beside the first one, as every second server is. */
export class Other implements AsyncDisposable {
  /** Undefined when it was not served. */
  readonly device: BlockDevice | undefined;
  /** Why not. */
  readonly why: string;

  constructor(served: { device: BlockDevice } | { why: string }) {
    this.device = 'device' in served ? served.device : undefined;
    this.why = 'why' in served ? served.why : '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.device?.[Symbol.asyncDispose]();
  }
}

/** Opens the storage once more and reads a sector of it. Never rejects. */
export async function anotherClient(uri: string, deadlineMs: number): Promise<Other> {
  try {
    const device = await openBlockDevice(uri, { deadlineMs });
    try {
      await device.read(0, device.sectorBytes, deadlineMs);
      return new Other({ device });
    } catch (error) {
      await device[Symbol.asyncDispose]();
      throw error;
    }
  } catch (error) {
    return new Other({ why: (error as Error).message });
  }
}

/** `seen`: whether it read what the first one had been told was durable; undefined where nothing was written. */
export function judgeOther(other: Other | undefined, seen: boolean | undefined): Finding[] {
  if (other === undefined) return [];
  const thing = 'second client';
  if (other.device === undefined) {
    const why = `not served beside the first one, as every other server is to be: ${other.why}`;
    return [
      problem(thing, why, 'let the server take several clients (qemu-nbd: --shared=0; nbd-server: no -d)'),
    ];
  }
  if (seen === undefined) return [ok(thing, 'served at the same time')];
  if (seen) return [ok(thing, 'served at the same time; reads at once what the first one wrote')];
  const why =
    'it does not read what the first one was told is on stable storage: each has a cache of its own';
  return [problem(thing, why, 'use a server without caches of its own; heartbeats would not be seen here')];
}
