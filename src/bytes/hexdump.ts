const PER_LINE = 16;

/**
 * `bytes` for people: offset, sixteen bytes in hex, and as text, one line each, as `hexdump -C` prints them. A run of
 * further all-zero lines is one `*`; the last line is the length.
 */
export function hexdump(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  let zerosBefore = false;
  for (let at = 0; at < bytes.length; at += PER_LINE) {
    const line = bytes.subarray(at, at + PER_LINE);
    const zeros = line.every((byte) => byte === 0);
    if (!(zeros && zerosBefore)) lines.push(dumpLine(at, line));
    else if (lines.at(-1) !== '*') lines.push('*');
    zerosBefore = zeros;
  }
  lines.push(hexOffset(bytes.length));
  return lines;
}

function dumpLine(at: number, line: Uint8Array): string {
  const hex = Array.from(line, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const text = Array.from(line, (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
  ).join('');
  return `${hexOffset(at)}  ${hex.padEnd(3 * PER_LINE - 1)}  |${text}|`;
}

function hexOffset(offset: number): string {
  return offset.toString(16).padStart(8, '0');
}
