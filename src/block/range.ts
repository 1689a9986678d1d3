export interface Extent {
  sizeBytes: number;
  /** Offsets and lengths are multiples of it. */
  alignmentBytes: number;
  /** Of one request. */
  maximumBytes: number;
}

/** Why a device cannot take a request for these bytes; undefined when it can. */
export function rangeProblem(device: Extent, offsetBytes: number, lengthBytes: number): string | undefined {
  const { sizeBytes, alignmentBytes, maximumBytes } = device;
  if (!Number.isSafeInteger(offsetBytes) || offsetBytes < 0) return 'an offset is a whole number from 0 up';
  if (!Number.isSafeInteger(lengthBytes) || lengthBytes < 1) return 'a length is a whole number from 1 up';
  if (offsetBytes % alignmentBytes !== 0 || lengthBytes % alignmentBytes !== 0) {
    return `offset and length must be multiples of ${alignmentBytes}`;
  }
  if (lengthBytes > maximumBytes) return `one request has at most ${maximumBytes} bytes`;
  if (offsetBytes + lengthBytes > sizeBytes) return `the device has ${sizeBytes} bytes`;
  return undefined;
}
