import assert from 'node:assert/strict';
import { needsTgt, Tgt } from '../../src/block/iscsi/tgt.fixture.ts';
import { storageAccess } from './storage-access.ts';
import { probeLink } from './process/probe-link.ts';

describe('the way to a storage over iSCSI', () => {
  const access = storageAccess('tgt', []);

  it('has two units, and a secret of its own that no URI and no argument shows', () => {
    const { secret } = access;
    assert.match(secret!, /^[0-9a-f]{32}$/);
    assert.notEqual(storageAccess('tgt', []).secret, secret);
    const { quorum, data } = access.uris('10.0.0.2', '/run/a file', 'server-1');
    assert.match(
      quorum,
      /^iscsi:\/\/lab@10\.0\.0\.2:3260\/iqn\.[^/]+\/1\?chap-secret-file=%2Frun%2Fa%20file$/,
    );
    assert.match(data, /\/2\?/);
    const said = [quorum, data, ...access.storageArguments('/run/a file')].join(' ');
    assert.ok(!said.includes(secret!));
  });
});

describe('a target that is spoken to first', function () {
  this.timeout(20_000);
  before(function () {
    return needsTgt(this);
  });

  it('answers to the hello, and to nothing says nothing', async () => {
    await using tgt = await Tgt.start({ units: [{ lun: 1 }] });
    const { hello } = storageAccess('tgt', []);
    assert.equal(await probeLink('127.0.0.1', tgt.port, 5000, hello), 'greeting');
    assert.equal(await probeLink('127.0.0.1', tgt.port, 100), 'silence');
  });
});
