import { type Load, SECONDS } from './fio.ts';

/** Of every request: no run comes near it, and yet each has one, as an agent's has. */
export const DEADLINE_MS = 5000;

/** A device; what it reads it may put into memory that it is given. */
interface Measured {
  readonly sizeBytes: number;
  read(offsetBytes: number, lengthBytes: number, deadlineMs: number, into: Uint8Array): Promise<unknown>;
  writeDurably(offsetBytes: number, bytes: Uint8Array, deadlineMs: number): Promise<void>;
}

/** Requests per second of our own client on `device`, with real buffers, used again and again as the others do. */
export async function ownClient(load: Load, device: Measured): Promise<number> {
  const { blockBytes, depth, op, order } = load;
  const blocks = device.sizeBytes / blockBytes;
  const buffers = Array.from({ length: 16 }, (_, i) => new Uint8Array(blockBytes).fill(i + 1));
  let next = 0;
  let finished = 0;
  const block = () => (order === 'random' ? Math.floor(Math.random() * blocks) : next % blocks);
  const endAt = performance.now() + SECONDS * 1000;
  const beganAt = performance.now();
  const worker = async () => {
    const into = new Uint8Array(blockBytes);
    while (performance.now() < endAt) {
      const offset = block() * blockBytes;
      next += 1;
      if (op === 'read') await device.read(offset, blockBytes, DEADLINE_MS, into);
      else await device.writeDurably(offset, buffers[next % buffers.length]!, DEADLINE_MS);
      finished += 1;
    }
  };
  await Promise.all(Array.from({ length: depth }, worker));
  return finished / ((performance.now() - beganAt) / 1000);
}
