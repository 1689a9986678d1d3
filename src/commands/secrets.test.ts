import assert from 'node:assert/strict';
import { arbiter } from './program.fixture.ts';

const uri = 'iscsi://me%hunter2hunter2@127.0.0.1:1/iqn.2026-11.example.arbiter:storage/1';

describe('a secret in an argument', () => {
  for (const argv of [
    ['init', uri, '--nodes', 'a,b'],
    ['status', uri],
    ['dump', uri],
  ]) {
    it(`of arbiter ${argv[0]} is refused, with where it belongs, and not repeated`, async () => {
      const { exitCode, stdout, stderr } = await arbiter(...argv);
      assert.equal(exitCode, 64);
      assert.equal(stdout, '');
      assert.equal(
        stderr,
        'arbiter: iscsi://127.0.0.1:1/iqn.2026-11.example.arbiter:storage/1: a secret in an argument can be read by ' +
          'everybody on this machine; name its file with chap-secret-file=PATH in the query, or set ' +
          'LIBISCSI_CHAP_PASSWORD in the environment',
      );
    });
  }
});
