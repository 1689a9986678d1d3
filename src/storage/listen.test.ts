import assert from 'node:assert/strict';
import { parseListenAddress } from './listen.ts';

describe('addresses to listen on', () => {
  const tcp = (host: string, port: number): object => ({ kind: 'tcp', host, port });
  // prettier-ignore
  const rows: readonly [text: string, address: object | undefined][] = [
    ['127.0.0.1:10809',    tcp('127.0.0.1', 10809)],
    ['127.0.0.1',          tcp('127.0.0.1', 10809)],
    ['storage:0',          tcp('storage', 0)],
    ['[::1]:7',            tcp('::1', 7)],
    ['[::]',               tcp('::', 10809)],
    ['unix:/run/a.sock',   { kind: 'unix', path: '/run/a.sock' }],
    ['unix:a.sock',        undefined],
    ['unix:',              undefined],
    ['127.0.0.1:65536',    undefined],
    ['127.0.0.1:',         undefined],
    ['127.0.0.1:x',        undefined],
    [':10809',             undefined],
    ['::1',                undefined],
    ['nbd://h:1/quorum',   undefined],
    ['',                   undefined],
  ];
  for (const [text, address] of rows) {
    it(`'${text}' ${address === undefined ? 'is none' : `is ${JSON.stringify(address)}`}`, () => {
      assert.deepEqual(parseListenAddress(text, 10809), address);
    });
  }
});
