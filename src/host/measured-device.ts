import type { BlockDevice } from '../ports/block-device.ts';

export type Measure = (operation: 'read' | 'write', seconds: number, isOk: boolean) => void;

/** The same device; `measure` learns how long each request took until its answer or its deadline. */
export function measuredDevice(inner: BlockDevice, measure: Measure): BlockDevice {
  const timed = async <T>(operation: 'read' | 'write', request: Promise<T>): Promise<T> => {
    const began = performance.now();
    const told = (isOk: boolean) => measure(operation, (performance.now() - began) / 1000, isOk);
    try {
      const answer = await request;
      told(true);
      return answer;
    } catch (error) {
      told(false);
      throw error;
    }
  };
  return {
    name: inner.name,
    sizeBytes: inner.sizeBytes,
    sectorBytes: inner.sectorBytes,
    readOnly: inner.readOnly,
    read: (offset, length, deadlineMs) => timed('read', inner.read(offset, length, deadlineMs)),
    writeDurably: (offset, bytes, deadlineMs) =>
      timed('write', inner.writeDurably(offset, bytes, deadlineMs)),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}
