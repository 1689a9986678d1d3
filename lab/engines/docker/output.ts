import { StringDecoder } from 'node:string_decoder';

export interface OutputLine {
  stream: 'stdout' | 'stderr';
  text: string;
}

const HEADER_BYTES = 8;

/**
 * A container's two output streams as lines, out of Docker's multiplexed stream: frames of an 8-byte header (stream,
 * three zero bytes, length as big-endian 32 bits) and a payload. Neither chunks nor frames respect lines or characters.
 */
export class ContainerOutput {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #payloadLeft = 0;
  readonly #streams = { stdout: new LineBuffer(), stderr: new LineBuffer() };

  /** Lines that became complete with this chunk, in the order in which they ended. */
  feed(chunk: Uint8Array): OutputLine[] {
    const lines: OutputLine[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#payloadLeft === 0) {
        at += this.#takeHeader(chunk.subarray(at));
        continue;
      }
      const payload = chunk.subarray(at, at + this.#payloadLeft);
      at += payload.length;
      this.#payloadLeft -= payload.length;
      const stream = this.#header[0] === 2 ? 'stderr' : 'stdout';
      for (const text of this.#streams[stream].add(payload)) lines.push({ stream, text });
    }
    return lines;
  }

  /** What was said last without a line's end: a killed process may stop in the middle of a line. */
  end(): OutputLine[] {
    return (['stdout', 'stderr'] as const)
      .map((stream) => ({ stream, text: this.#streams[stream].rest() }))
      .filter(({ text }) => text !== '');
  }

  #takeHeader(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, HEADER_BYTES - this.#headerBytes);
    this.#header.set(taken, this.#headerBytes);
    this.#headerBytes += taken.length;
    if (this.#headerBytes === HEADER_BYTES) {
      const stream = this.#header[0]!;
      if (stream > 2) throw new Error(`docker: frame of unknown stream ${stream} in a container's output`);
      this.#payloadLeft = this.#header.readUInt32BE(4);
      this.#headerBytes = 0;
    }
    return taken.length;
  }
}

class LineBuffer {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  add(bytes: Uint8Array): string[] {
    const lines = (this.#rest + this.#decoder.write(Buffer.from(bytes))).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines;
  }

  rest(): string {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    return rest;
  }
}
