import assert from 'node:assert/strict';
import { linkSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from './errors.ts';
import { refuseOneDisk } from './run-one-disk.ts';

describe('the quorum area under another name', () => {
  const directory = mkdtempSync(join(tmpdir(), 'arbiter-one-disk-'));
  const at = (name: string) => join(directory, name);
  before(() => {
    for (const name of ['quorum', 'data']) writeFileSync(at(name), '');
    symlinkSync(at('quorum'), at('by-id'));
    linkSync(at('quorum'), at('linked'));
  });
  after(() => rmSync(directory, { recursive: true }));

  for (const name of ['by-id', 'linked'])
    it(`is no data area: ${name}`, async () => {
      const config = { quorum: `file://${at('quorum')}`, data: [at(name)] as [string] };
      const text = `data: '${at(name)}': the same as file://${at('quorum')}, the quorum area`;
      await assert.rejects(refuseOneDisk(config), new CommandError(text, 64));
    });

  it('is told from another file, from one that is not there, and from what is no file', async () => {
    for (const data of [at('data'), at('none'), 'nbd://a/data'])
      await refuseOneDisk({ quorum: at('quorum'), data: [data] });
    await refuseOneDisk({ quorum: at('none'), data: [at('none-either')] });
  });
});
