import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { key, Pki } from './pki.fixture.ts';
import { parsePskFile, readPskFile } from './psk-file.ts';

const parsed = (text: string): [string, string][] =>
  [...parsePskFile(text, 'keys.psk')].map(([identity, key]) => [identity, Buffer.from(key).toString('hex')]);

describe('a file of pre-shared keys', () => {
  it('has an identity and its key in every line that is not empty', () => {
    assert.deepEqual(parsed(`alpha:${key(1)}\n\nserver-2:${key(0xab).toUpperCase()}\r\n`), [
      ['alpha', key(1)],
      ['server-2', key(0xab)],
    ]);
  });

  // prettier-ignore
  const bad: readonly [text: string, message: string][] = [
    ['',                                   'keys.psk: no key in it; a line is IDENTITY:KEY'],
    [`alpha\n`,                            'keys.psk:1: not IDENTITY:KEY with a key in hexadecimal'],
    [`\n:${key(1)}`,                       'keys.psk:2: not IDENTITY:KEY with a key in hexadecimal'],
    [`alpha:secret`,                       'keys.psk:1: not IDENTITY:KEY with a key in hexadecimal'],
    [`alpha:${key(1)}0`,                   'keys.psk:1: not IDENTITY:KEY with a key in hexadecimal'],
    [`alpha: ${key(1)}`,                   'keys.psk:1: not IDENTITY:KEY with a key in hexadecimal'],
    [`#616c:${key(1)}`,                    'keys.psk:1: not IDENTITY:KEY with a key in hexadecimal'],
    [`alpha:${key(1).slice(0, 30)}`,       'keys.psk:1: a key of 15 bytes; it has 16 to 512'],
    [`alpha:${key(1).repeat(17)}`,         'keys.psk:1: a key of 544 bytes; it has 16 to 512'],
    [`a:${key(1)}\na:${key(2)}`,           `keys.psk:2: identity 'a' for the second time`],
    [`${'a'.repeat(129)}:${key(1)}`,       'keys.psk:1: an identity of more than 128 bytes'],
  ];
  for (const [text, message] of bad) {
    it(`is refused without showing what is in it: ${message}`, () => {
      assert.throws(() => parsePskFile(text, 'keys.psk'), { name: 'TlsUnusable', message });
    });
  }

  it('is refused when others may use it, and when there is none or it is no file', () => {
    using pki = new Pki();
    const path = pki.psk('keys.psk', { alpha: key(1) });
    assert.equal(readPskFile(path).size, 1);
    for (const mode of [0o640, 0o604, 0o620]) {
      chmodSync(path, mode);
      const message = `${path}: others may use it (mode 0${mode.toString(8)}), so it is no secret; chmod 600 it`;
      assert.throws(() => readPskFile(path), { name: 'TlsUnusable', message });
    }
    assert.throws(() => readPskFile(`${path}.none`), { message: `${path}.none: no such file` });
    const pipe = join(pki.path, 'pipe');
    execFileSync('mkfifo', ['-m', '600', pipe]);
    // Of a pipe with nothing in it a read that waits would never end, and no timeout of this test could end it.
    for (const [wrong, kind] of [
      [pki.path, 'a directory'],
      [pipe, 'a pipe'],
      ['/dev/null', 'a device'],
    ] as const) {
      assert.throws(() => readPskFile(wrong), { message: `${wrong}: ${kind}, where a file is needed` });
    }
  });
});
