/** Bytes as the standards print them: `12 01 83 00 ff 00`. `*` repeats the byte before it: `00*7`. */
export function bytes(text: string): Uint8Array {
  return Uint8Array.from(
    text
      .split(/\s+/)
      .filter((each) => each !== '')
      .flatMap((each) => {
        const [byte = '', times = '1'] = each.split('*');
        return Array.from({ length: Number(times) }, () => Number.parseInt(byte, 16));
      }),
  );
}

export function hexOf(data: Uint8Array): string {
  return [...data].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
