import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { formatIscsiUri, type IscsiAddress } from './uri-iscsi.ts';
import { withoutSecret } from './uri-parts.ts';
import { carriesSecret, parseDeviceUri } from './uri.ts';

const target = 'iqn.2026-11.example.arbiter:storage';
const plain = { host: 'h', port: 3260, target, lun: 1, headerDigest: 'none', dataDigest: 'none' };

function addressOf(uri: string): IscsiAddress {
  const device = parseDeviceUri(uri);
  assert.equal(device.kind, 'iscsi');
  return (device as { address: IscsiAddress }).address;
}

// prettier-ignore
const good: readonly [uri: string, address: object, name: string][] = [
  [`iscsi://h/${target}/1`, plain, `iscsi://h/${target}/1`],
  [`ISCSI://h:3261/${target}/0`, { ...plain, port: 3261, lun: 0 }, `iscsi://h:3261/${target}/0`],
  [`iscsi://[::1]:3260/${target}/16383`, { ...plain, host: '::1', lun: 16383 }, `iscsi://[::1]/${target}/16383`],
  [`iscsi://h/eui.02004567A425678D/1`, { ...plain, target: 'eui.02004567A425678D' }, 'iscsi://h/eui.02004567A425678D/1'],
  [`iscsi://h/naa.52004567BA64678D/1`, { ...plain, target: 'naa.52004567BA64678D' }, 'iscsi://h/naa.52004567BA64678D/1'],
  [`iscsi://h/iqn.2026-11.example%3Aa%2Fb/1`, { ...plain, target: 'iqn.2026-11.example:a/b' }, 'iscsi://h/iqn.2026-11.example:a/b/1'],
  [`iscsi://me@h/${target}/1`, { ...plain, user: 'me' }, `iscsi://me@h/${target}/1`],
  [`iscsi://me@h/${target}/1?chap-secret-file=/s&target-user=it&target-secret-file=/t`,
    { ...plain, user: 'me', secretFile: '/s', targetUser: 'it', targetSecretFile: '/t' }, `iscsi://me@h/${target}/1`],
  [`iscsi://h/${target}/1?header-digest=crc32c&data-digest=prefer&initiator-name=iqn.2026-11.example.a:b`,
    { ...plain, headerDigest: 'crc32c', dataDigest: 'prefer', initiatorName: 'iqn.2026-11.example.a:b' }, `iscsi://h/${target}/1`],
];

// prettier-ignore
const bad: readonly [uri: string, message: string][] = [
  ['iscsi://h/iqn.2026-11.example.a', 'iscsi://h/iqn.2026-11.example.a: needs a target and the number of a unit as in iscsi://[USER@]HOST[:PORT]/TARGET/LUN'],
  ['iscsi://h/iqn.2026-11.example.a/x', 'iscsi://h/iqn.2026-11.example.a/x: needs a target and the number of a unit as in iscsi://[USER@]HOST[:PORT]/TARGET/LUN'],
  [`iscsi:///${target}/1`, `iscsi:///${target}/1: needs a host as in iscsi://[USER@]HOST[:PORT]/TARGET/LUN; IPv6 addresses stand in [brackets]`],
  [`iscsi://h:70000/${target}/1`, `iscsi://h:70000/${target}/1: port 70000 is not within 1 and 65535`],
  ['iscsi://h/disk/1', "iscsi://h/disk/1: 'disk' is no name of an iSCSI target, as iqn.2026-11.example.storage:disk"],
  [`iscsi://h/iqn.2026-11.a:${'x'.repeat(220)}/1`, `iscsi://h/iqn.2026-11.a:${'x'.repeat(220)}/1: a name of iSCSI has at most 223 bytes, this one 234`],
  [`iscsi://h/${target}/16384`, `iscsi://h/${target}/16384: a unit's number is at most 16383`],
  [`iscsi://h/${target}/1?header-digest=md5`, `iscsi://h/${target}/1: header-digest is one of none, crc32c, prefer`],
  [`iscsi://h/${target}/1?tls-psk-file=/k`, `iscsi://h/${target}/1: unknown parameter in the query; known are chap-secret-file, target-user, target-secret-file, header-digest, data-digest, initiator-name`],
  [`iscsi://h/${target}/1?initiator-name=me`, `iscsi://h/${target}/1: 'me' is no name of an iSCSI initiator, as iqn.2026-11.example.storage:disk`],
  [`iscsi://h/${target}/1?chap-secret-file=`, `iscsi://h/${target}/1: chap-secret-file needs a path`],
  [`iscsi://h/${target}/1?target-secret-file=/t`, `iscsi://h/${target}/1: target-secret-file goes with target-user`],
  [`iscsi://h/${target}/1#x`, `iscsi://h/${target}/1: a URI of a block device has no fragment (#)`],
];

// Nothing that is said about these shows the secret, wherever it was put and whatever else is wrong.
// prettier-ignore
const secretive: readonly [uri: string, rule: RegExp][] = [
  [`iscsi://%hunter2hunter2@h/${target}/1`, /a secret without a user/],
  [`iscsi://me%hunter2hunter2@h/${target}/1?chap-secret-file=/s`, /one of the two/],
  [`iscsi://me%hunter2/hunter2@h/${target}/1`, /no @HOST behind it/],
  [`iscsi://me%hunter2?hunter2@h/${target}/1`, /^iscsi:\/\/h\//],
  [`iscsi://me%hunter2#hunter2@h/${target}/1`, /fragment/],
  [`iscsi://me%hunter2hunter2@h/${target}`, /needs a target/],
  [`iscsi:me%hunter2hunter2@h/${target}/1`, /needs a/],
  [`iscsi://me:hunter2hunter2@h/${target}/1`, /no password in a URI/],
  [`iscsi://h/${target}/1?target_user=it&target_password=hunter2hunter2`, /unknown parameter in/],
  [`iscsi://h/${target}/1?target_password=hunter2hunter2`, /no secret stands in the query/],
  [`iscsi:///me%hunter2hunter2/1`, /needs a host/],
  [`iscsi://me%hunter2hunter2`, /no @HOST behind it/],
  [`iscsi://me%hunter2hunter2/${target}/1`, /no @HOST behind it/],
  [`iscsi://me:hunter2hunter2/${target}/1`, /needs a host/],
  [`iscsi://me%41ab/hunter2@h/${target}/1`, /no @HOST behind it/],
  [`iscsi ://me%hunter2hunter2@h/${target}/1`, /^iscsi :\/\/\.\.\.: no URI, for all its :\/\/;/],
  [` iscsi://me%hunter2hunter2@h/${target}/1`, /^ iscsi:\/\/\.\.\.: no URI/],
  [`iscsi ://me:hunter2hunter2/${target}/1`, /^iscsi :\/\/\.\.\.: no URI/],
  [`me%hunter2hunter2@iscsi://h/${target}/1`, /^\.\.\.: no URI/],
  [`isci://me%hunter2/hunter2@h/${target}/1`, /^isci:\/\/\.\.\.: unknown kind of block device 'isci'/],
  [`isci://h/${target}/1?target_password=hunter2hunter2`, /^isci:\/\/\.\.\.: unknown kind/],
  [`iscsi://me%41ab?hunter2=1@h/${target}/1`, /no @HOST behind it/],
];

describe('the URI of an iSCSI unit', () => {
  for (const [uri, address, name] of good) {
    it(`${uri} is read, and named ${name}`, () => {
      assert.deepEqual(addressOf(uri), address);
      assert.equal(formatIscsiUri(addressOf(uri)), name);
      assert.equal(carriesSecret(uri), false);
    });
  }

  for (const [uri, message] of bad) {
    it(`${uri.slice(0, 90)} is refused with the rule it breaks`, () => {
      assert.throws(() => parseDeviceUri(uri), { name: 'DeviceUnusable', message });
    });
  }

  for (const [secret, uri] of [
    ['hunter2hunter2', `iscsi://me%hunter2hunter2@h/${target}/1`],
    ['a%40b', `iscsi://me%a%40b@h/${target}/1`],
    ['p@ss%w0rd:x', `iscsi://me%p@ss%w0rd:x@h:3260/${target}/1`],
  ] as const) {
    it(`has the secret ${secret} as it stands, and shows it to nobody`, () => {
      const address = addressOf(uri);
      assert.equal(address.secret?.reveal(), secret);
      assert.equal(address.user, 'me');
      const shown = [inspect(address, { depth: null, showHidden: true }), JSON.stringify(address)];
      for (const each of [...shown, formatIscsiUri(address), withoutSecret(uri)]) {
        assert.ok(!each.includes(secret), each);
      }
      assert.equal(carriesSecret(uri), true);
    });
  }

  for (const [uri, rule] of secretive) {
    it(`${uri.replace(target, 'T')} is refused without its secret being shown`, () => {
      assert.throws(
        () => parseDeviceUri(uri),
        ({ message }: Error) => {
          assert.ok(!message.includes('hunter2'), message);
          assert.match(message, rule);
          return true;
        },
      );
    });
  }

  it('is known to carry a secret by its look alone', () => {
    assert.equal(carriesSecret('iscsi://me%secret@nonsense'), true);
    assert.equal(carriesSecret('iscsi://me%sec/ret@h/x/1'), true);
    assert.equal(carriesSecret('iscsi://h/x/1?target_password=s'), true);
    assert.equal(carriesSecret('iscsi://h/iqn.2026-11.a:b%2Fc/1?chap-secret-file=/a@b'), false);
    assert.equal(carriesSecret('iscsi://[fe80::1%25eth0]/x/1?chap-secret-file=/a@b'), false);
    assert.equal(carriesSecret('nbd://h/data%40a'), false);
    assert.equal(carriesSecret('/tmp/a%b@c'), false);
  });
});
