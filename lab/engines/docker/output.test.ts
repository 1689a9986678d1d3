import assert from 'node:assert/strict';
import { ContainerOutput, type OutputLine } from './output.ts';

function frame(stream: number, text: string | Buffer): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

const bytes = Buffer.concat([
  frame(1, '{"a":1}\n{"b"'),
  frame(2, 'a warn'),
  frame(1, ':2}\n'),
  frame(1, ''),
  frame(2, 'ing, naïve\n\n'),
  frame(1, 'torn'),
]);
const expected: OutputLine[] = [
  { stream: 'stdout', text: '{"a":1}' },
  { stream: 'stdout', text: '{"b":2}' },
  { stream: 'stderr', text: 'a warning, naïve' },
  { stream: 'stderr', text: '' },
];

describe('the output of a container', () => {
  for (const size of [1, 2, 3, 5, 7, 8, 9, 13, 64, 4096]) {
    it(`comes out as the same lines when it arrives in chunks of ${size} bytes`, () => {
      const output = new ContainerOutput();
      const lines: OutputLine[] = [];
      for (let at = 0; at < bytes.length; at += size)
        lines.push(...output.feed(bytes.subarray(at, at + size)));
      assert.deepEqual(lines, expected);
      assert.deepEqual(output.end(), [{ stream: 'stdout', text: 'torn' }]);
      assert.deepEqual(output.end(), [], 'the torn line is delivered once');
    });
  }

  it('keeps a character whole that two frames share', () => {
    const output = new ContainerOutput();
    const text = Buffer.from('é\n');
    assert.deepEqual(output.feed(frame(1, text.subarray(0, 1))), []);
    assert.deepEqual(output.feed(frame(1, text.subarray(1))), [{ stream: 'stdout', text: 'é' }]);
  });

  it('is refused by name when it is not multiplexed, instead of being read as lengths', () => {
    assert.throws(() => new ContainerOutput().feed(Buffer.from('plain text')), /frame of unknown stream 112/);
  });
});
