import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { DeviceUnusable } from '../../ports/block-device.ts';
import { testUnitReady } from '../../wire/scsi/block-commands.ts';
import { Scratch } from '../nbd/servers.fixture.ts';
import { Secret } from '../secret.ts';
import type { IscsiAddress } from '../uri-iscsi.ts';
import { IscsiSession } from './session.ts';
import { needsTgt, Tgt } from './tgt.fixture.ts';

const long = 8000;
const account = { user: 'server-1', secret: 'a secret of 18 b.' };
const itself = { user: 'storage', secret: 'another one, 22 bytes.' };

describe('a login to tgt', function () {
  this.timeout(30_000);
  before(async function () {
    await needsTgt(this);
  });

  const open = (address: IscsiAddress): Promise<IscsiSession> =>
    IscsiSession.open({ address, initiatorName: 'iqn.2026-11.example.arbiter:server-1', deadlineMs: long });

  async function refused(address: IscsiAddress, text: RegExp): Promise<void> {
    await assert.rejects(open(address), (error: Error) => {
      assert.ok(error instanceof DeviceUnusable, String(error));
      assert.match(error.message, text);
      for (const { secret } of [account, itself]) assert.ok(!error.message.includes(secret));
      return true;
    });
  }

  it('proves who it is by CHAP, and without that it is refused', async () => {
    await using tgt = await Tgt.start({ chap: [account] });
    const me = { user: account.user, secret: new Secret(account.secret) };
    await using session = await open(tgt.address(1, me));
    assert.equal((await session.command(1, testUnitReady(), long)).sense?.asc, 0x29);
    await refused(
      tgt.address(1, { ...me, secret: new Secret('a wrong one of 20 b.') }),
      /: login, CHAP: refused with status 0201: authentication failed/,
    );
    await refused(tgt.address(1, { ...me, user: 'nobody' }), /: login, CHAP: refused with status 0201/);
    await refused(tgt.address(1), /: login, security negotiation: refused with status 0201/);
  });

  it('has the target prove itself, and does not trust one that cannot', async () => {
    await using scratch = await Scratch.make();
    const file = scratch.file('secret');
    await writeFile(file, itself.secret, { mode: 0o600 });
    const me = { user: account.user, secret: new Secret(account.secret) };
    const mutual = { ...me, targetUser: itself.user, targetSecretFile: file };
    await using tgt = await Tgt.start({ chap: [account], itself });
    await (await open(tgt.address(1, mutual))).close();
    await refused(
      tgt.address(1, { ...mutual, targetUser: 'other' }),
      /: login, CHAP: the target calls itself "storage", not "other"/,
    );
    await writeFile(file, 'not its secret, 22 byt');
    await refused(tgt.address(1, mutual), /: login, CHAP: the target's answer to the challenge is wrong/);
    await using open_ = await Tgt.start();
    await refused(open_.address(1, mutual), /: login, (CHAP|security negotiation): /);
  });

  it('to a target that is not there is refused', async () => {
    await using tgt = await Tgt.start();
    await refused(
      tgt.address(1, { target: 'iqn.2026-11.example.arbiter:other' }),
      /: login, security negotiation: refused with status 0203: there is no such target/,
    );
  });

  it('without the digest it has to have is refused', async () => {
    await using tgt = await Tgt.start({ settings: { HeaderDigest: 'None' } });
    await refused(
      tgt.address(1, { headerDigest: 'crc32c' }),
      /: login, operational negotiation: .*HeaderDigest/,
    );
  });

  it('under the ISID of another session takes its place', async () => {
    await using tgt = await Tgt.start();
    const isid = Uint8Array.of(0x80, 1, 2, 3, 4, 5);
    const options = {
      address: tgt.address(1),
      initiatorName: 'iqn.2026-11.example.a:b',
      isid,
      deadlineMs: long,
    };
    await using first = await IscsiSession.open(options);
    const lost = new Promise<string>((resolve) => first.onClosed(resolve));
    await using second = await IscsiSession.open(options);
    assert.match(await lost, /closed by the target|drops the session|ECONNRESET/);
    assert.equal(first.usable, false);
    assert.equal(second.usable, true);
    assert.equal((await second.command(1, testUnitReady(), long)).status, 2);
    assert.equal((await second.command(1, testUnitReady(), long)).status, 0);
  });

  it('under one of its own takes nobody’s', async () => {
    await using tgt = await Tgt.start();
    const options = { address: tgt.address(1), initiatorName: 'iqn.2026-11.example.a:b', deadlineMs: long };
    await using first = await IscsiSession.open(options);
    await using second = await IscsiSession.open({ ...options, alias: 'quorum' });
    for (const session of [first, second]) await session.command(1, testUnitReady(), long);
    assert.deepEqual([first.usable, second.usable], [true, true]);
    const shown = await tgt.admin('--op', 'show', '--mode', 'target');
    assert.match(shown, /Initiator: iqn\.2026-11\.example\.a:b alias: quorum/);
  });
});
