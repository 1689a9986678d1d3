import assert from 'node:assert/strict';
import { execa } from 'execa';
import { fields, table, wallTime } from './output.ts';

describe('the output of commands', () => {
  it('aligns columns by their widest cell', () => {
    const rows = [
      ['slot', 'node', 'seen'],
      ['0', 'server-1', 'alive'],
    ];
    assert.deepEqual(table(rows, 1), ['slot  node      seen', '0     server-1  alive']);
  });

  it('cuts one column, and no other, when a line would pass 80', () => {
    const [line] = table([['0', 'n'.repeat(40), 'x'.repeat(50)]], 1);
    assert.equal(line, `0  ${'n'.repeat(22)}...  ${'x'.repeat(50)}`);
    assert.equal(line.length, 80);
  });

  it('aligns what fields are', () => {
    assert.deepEqual(
      fields(
        [
          ['a', '1'],
          ['long', ''],
          ['b', '2'],
        ],
        '  ',
      ),
      ['  a     1', '  long', '  b     2'],
    );
  });

  it('shows no wall clock where the writer did not say, and none that is not a time', () => {
    assert.equal(wallTime(0), '');
    assert.equal(wallTime(2 ** 53), '');
    assert.equal(wallTime(1767323045678), '2026-01-02T03:04:05.678Z');
  });

  it('ends in silence when its reader has seen enough', async () => {
    const module = new URL('output.ts', import.meta.url).href;
    const program = `import { printLines } from '${module}'; for (let i = 0; i < 2000; i += 1) printLines(['x'.repeat(99)]);`;
    const node = `'${process.execPath}' --input-type=module -e "${program}"`;
    const { stdout, stderr } = await execa(`${node} | head -n 1; echo "\${PIPESTATUS[0]}"`, {
      shell: '/bin/bash',
    });
    assert.deepEqual([stdout, stderr], [`${'x'.repeat(99)}\n0`, '']);
  });
});
