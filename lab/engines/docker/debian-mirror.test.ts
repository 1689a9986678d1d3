import assert from 'node:assert/strict';
import { mirrorFrom } from './debian-mirror.ts';

const from = (name: string, text: string) => mirrorFrom([{ name, text }], 'bookworm');

describe('the Debian mirror of this machine', () => {
  it('is read from a sources file, not from its security archive or its comments', () => {
    const text = `Types: deb
# URIs: http://commented.example/debian
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main

# the archive itself
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm
 bookworm-updates
Components: main contrib
`;
    assert.equal(from('debian.sources', text), 'http://mirror.example/debian');
  });

  it('is read from one-line entries, with or without options', () => {
    assert.equal(
      from('sources.list', 'deb http://m.example/debian bookworm main # ours\n'),
      'http://m.example/debian',
    );
    const signed =
      '# deb http://no.example/ bookworm main\ndeb [arch=amd64 signed-by=/k] https://m.example/d bookworm main\n';
    assert.equal(from('x.list', signed), 'https://m.example/d');
  });

  // prettier-ignore
  const none: [string, string, string][] = [
    ['another suite',        'a.list',    'deb http://m.example/debian trixie main'],
    ['no main component',    'a.list',    'deb http://m.example/debian bookworm contrib'],
    ['sources only',         'a.list',    'deb-src http://m.example/debian bookworm main'],
    ['a medium, not a host', 'a.list',    'deb cdrom:[Debian] bookworm main'],
    ['switched off',         'a.sources', 'Types: deb\nEnabled: no\nURIs: http://m.example/d\nSuites: bookworm\nComponents: main'],
    ['nothing',              'a.sources', ''],
  ];
  for (const [why, name, text] of none) {
    it(`is unknown: ${why}`, () => assert.equal(from(name, text), undefined));
  }
});
