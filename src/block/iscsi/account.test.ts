import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { Scratch } from '../nbd/servers.fixture.ts';
import { parseDeviceUri } from '../uri.ts';
import type { IscsiAddress } from '../uri-iscsi.ts';
import { accountOf } from './account.ts';
import { initiatorNameFor, randomIsid } from './identity.ts';

function address(user: string, query = ''): IscsiAddress {
  const device = parseDeviceUri(`iscsi://${user}h/iqn.2026-11.example.a:b/1${query}`);
  assert.ok(device.kind === 'iscsi');
  return device.address;
}

describe('the account of an iSCSI login', () => {
  it('is none where nobody names a user', () => {
    assert.equal(accountOf(address(''), {}), undefined);
    assert.equal(accountOf(address(''), { LIBISCSI_CHAP_PASSWORD: 'x' }), undefined);
    assert.equal(accountOf(address(''), { LIBISCSI_CHAP_USERNAME: '' }), undefined);
  });

  it('is in the URI, or in the environment as libiscsi has it, the URI first', () => {
    assert.deepEqual(accountOf(address('me%s1@'), {}), { user: 'me', secret: 's1' });
    const environment = { LIBISCSI_CHAP_USERNAME: 'you', LIBISCSI_CHAP_PASSWORD: 's2' };
    assert.deepEqual(accountOf(address(''), environment), { user: 'you', secret: 's2' });
    assert.deepEqual(accountOf(address('me@'), environment), { user: 'me', secret: 's2' });
    assert.deepEqual(accountOf(address('me%s1@'), environment), { user: 'me', secret: 's1' });
    const mutual = {
      ...environment,
      LIBISCSI_CHAP_TARGET_USERNAME: 'it',
      LIBISCSI_CHAP_TARGET_PASSWORD: 's3',
    };
    assert.deepEqual(accountOf(address(''), mutual), {
      user: 'you',
      secret: 's2',
      target: { user: 'it', secret: 's3' },
    });
  });

  it('is in files, which are read each time, and of which one line is the secret', async () => {
    await using scratch = await Scratch.make();
    const [own, its] = [scratch.file('own'), scratch.file('its')];
    for (const [path, text] of [
      [own, ' a secret with blanks \r\n'],
      [its, 'its'],
    ] as const) {
      await writeFile(path, text, { mode: 0o600 });
    }
    const uri = address('me@', `?chap-secret-file=${own}&target-user=it&target-secret-file=${its}`);
    const target = { user: 'it', secret: 'its' };
    assert.deepEqual(accountOf(uri, {}), { user: 'me', secret: ' a secret with blanks ', target });
    await writeFile(own, 'another\n');
    assert.deepEqual(accountOf(uri, {}), { user: 'me', secret: 'another', target });
  });

  it('is refused where it would prove nothing, or a part is missing, and no secret is shown', async () => {
    await using scratch = await Scratch.make();
    const file = scratch.file('secret');
    const query = `?chap-secret-file=${file}`;
    const wrong = (uri: IscsiAddress, environment: Record<string, string>, text: RegExp): void => {
      assert.throws(
        () => accountOf(uri, environment),
        (error: Error) => {
          assert.equal(error.name, 'AccountUnusable');
          assert.match(error.message, text);
          assert.ok(!error.message.includes('hunter2'), error.message);
          return true;
        },
      );
    };
    wrong(
      address('me@'),
      {},
      /^no secret for the user 'me': chap-secret-file=PATH .* or LIBISCSI_CHAP_PASSWORD$/,
    );
    wrong(address('', query), {}, /^CHAP needs a user/);
    wrong(address('me@', query), {}, /secret: no such file$/);
    await writeFile(file, 'hunter2\nhunter2\n', { mode: 0o600 });
    wrong(address('me@', query), {}, /secret: more than one line; a secret is one$/);
    await writeFile(file, '\n');
    wrong(address('me@', query), {}, /secret: empty, and it is to hold a secret$/);
    await chmod(file, 0o640);
    wrong(address('me@', query), {}, /others may use it \(mode 0640\)/);
    wrong(address('me%hunter2@', '?target-user=it'), {}, /^no secret for the target 'it'/);
    const same = { LIBISCSI_CHAP_TARGET_PASSWORD: 'hunter2' };
    wrong(address('me%hunter2@', '?target-user=it'), same, /the same secret/);
  });
});

describe('who an initiator is', () => {
  it('is the server, in what a name can have', () => {
    assert.equal(initiatorNameFor('server-1'), 'iqn.2026-11.example.arbiter:server-1');
    assert.equal(initiatorNameFor('Node_A@Rack 2'), 'iqn.2026-11.example.arbiter:node-a-rack-2');
    assert.equal(initiatorNameFor(''), 'iqn.2026-11.example.arbiter:unnamed');
  });

  it('has another session every time', () => {
    const isids = Array.from({ length: 100 }, () => Buffer.from(randomIsid()).toString('hex'));
    assert.equal(new Set(isids).size, 100);
    assert.ok(isids.every((isid) => /^80[0-9a-f]{10}$/.test(isid)));
  });
});
