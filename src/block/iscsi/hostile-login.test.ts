import assert from 'node:assert/strict';
import { DeviceUnusable, OutcomeUnknown, RequestFailed } from '../../ports/block-device.ts';
import { pour, pouredBytes } from '../nbd/hostile.fixture.ts';
import { Secret } from '../secret.ts';
import type { IscsiAddress } from '../uri-iscsi.ts';
import { IscsiBlockDevice } from './device.ts';
import {
  type Conversation,
  ended,
  type LoginPdu,
  type Script,
  ScriptedTarget,
} from './scripted-target.fixture.ts';

const long = 5000;
const short = 500;
const chap = { user: 'me', secret: new Secret('a secret of 18 b.') };
const mutual = { ...chap, targetUser: 'it', targetSecretFile: '/dev/null' };

/** What becomes of opening the target's unit. */
async function opened(
  target: ScriptedTarget,
  more: Partial<IscsiAddress> = {},
  deadlineMs = long,
): Promise<DeviceUnusable | RequestFailed> {
  const error: unknown = await IscsiBlockDevice.open({ address: target.address(more) }, deadlineMs).then(
    async (device) => {
      await device[Symbol.asyncDispose]();
      return new Error('it was opened');
    },
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DeviceUnusable || error instanceof RequestFailed, String(error));
  if (error instanceof RequestFailed) assert.equal(error.code, 'ENOTCONN');
  return error;
}

/** A target that answers the login `request` with the status `status`. */
function refusing(status: number): Script {
  return {
    login: (request, talk) => {
      const statuses = { statusClass: status >> 8, statusDetail: status & 0xff };
      talk.loginResponse(request, [], { transit: false, ...statuses });
      return true;
    },
  };
}

/** A target that asks for CHAP and goes on as `then` says. */
function asking(then: (request: LoginPdu, talk: Conversation) => void): Script {
  let round = 0;
  return {
    login: (request, talk) => {
      round += 1;
      if (round === 1) talk.loginResponse(request, ['AuthMethod=CHAP'], { transit: false });
      else if (round === 2)
        talk.loginResponse(request, ['CHAP_A=5', 'CHAP_I=7', 'CHAP_C=0x0102030405060708'], {
          transit: false,
        });
      else then(request, talk);
      return true;
    },
  };
}

const operational = (keys: readonly string[]): Script => ({
  login: (request, talk) => {
    talk.loginResponse(request, request.currentStage === 1 ? keys : []);
    return true;
  },
});

function raw(bytes: Uint8Array): Script {
  return { greeting: (talk) => void talk.socket.write(bytes) };
}

/** The head of a login response whose data segment is said to be this long. */
function longSegment(bytes: number): Uint8Array {
  const header = Buffer.alloc(48);
  header[0] = 0x23;
  header.writeUIntBE(bytes, 5, 3);
  return header;
}

// prettier-ignore
const refused: readonly [title: string, script: Script, error: typeof DeviceUnusable | typeof RequestFailed, text: RegExp, more?: Partial<IscsiAddress>][] = [
  ['a wrong secret', asking((request, talk) => talk.loginResponse(request, [], { transit: false, statusClass: 2, statusDetail: 1 })), DeviceUnusable, /: login, CHAP: refused with status 0201: authentication failed/, chap],
  ['an unknown target', refusing(0x0203), DeviceUnusable, /: login, security negotiation: refused with status 0203: there is no such target/],
  ['an initiator that may not', refusing(0x0202), DeviceUnusable, /status 0202/],
  ['a service that is not available', refusing(0x0301), RequestFailed, /: not connected: login, security negotiation: refused with status 0301/],
  ['a target out of resources', refusing(0x0302), RequestFailed, /status 0302/],
  ['a status of no class', refusing(0x0700), DeviceUnusable, /status 0700/],
  ['CHAP of another algorithm', { login: (request, talk) => (talk.loginResponse(request, Buffer.from(request.data).includes('CHAP_A') ? ['CHAP_A=7', 'CHAP_I=1', 'CHAP_C=0x01'] : ['AuthMethod=CHAP'], { transit: false }), true) }, DeviceUnusable, /login, CHAP: CHAP_A="7"/, chap],
  ['a target that wants CHAP and gets no user', { login: (request, talk) => (talk.loginResponse(request, ['AuthMethod=CHAP'], { transit: false }), true) }, DeviceUnusable, /login, security negotiation: /],
  ['a number that is none', operational(['MaxBurstLength=many']), DeviceUnusable, /login, operational negotiation: MaxBurstLength="many"/],
  ['a value beyond what was offered', operational(['FirstBurstLength=16777215']), DeviceUnusable, /operational negotiation: FirstBurstLength="16777215"/],
  ['text that is no text', operational(['\u0001\u0002']), DeviceUnusable, /operational negotiation: .*no key=value/],
  ['a digest that was not offered', operational(['HeaderDigest=MD5']), DeviceUnusable, /operational negotiation: HeaderDigest="MD5"/],
  ['a digest that has to be and is not', operational(['HeaderDigest=None']), DeviceUnusable, /operational negotiation: .*HeaderDigest/, { headerDigest: 'crc32c' }],
  ['a version of another time', { login: (request, talk) => (talk.loginResponse(request, [], { versionActive: 3 }), true) }, DeviceUnusable, /version 3/],
  ['a stage that was not asked for', { login: (request, talk) => (talk.loginResponse(request, [], { currentStage: 3 }), true) }, DeviceUnusable, /stage 3/],
  ['a server of another kind', raw(Buffer.from(`HTTP/1.1 400 Bad Request\r\n\r\n${'Bad Request '.repeat(100)}`)), DeviceUnusable, /: login, security negotiation: /],
  ['a PDU of 16 MiB', raw(longSegment(0xff_ffff)), DeviceUnusable, /: login, security negotiation: .*16777215/],
  ['a PDU out of the middle of a session', { login: (_, talk) => (talk.say({ kind: 'nop-in', lun: 0, tag: 1, targetTag: 2, data: new Uint8Array() }), true) }, DeviceUnusable, /: login, security negotiation: .*NOP-In/],
  ['a redirection to nowhere', { login: (request, talk) => (talk.loginResponse(request, [], { transit: false, statusClass: 1, statusDetail: 1 }), true) }, DeviceUnusable, /redirection without a TargetAddress/],
  ['a redirection to what is no address', { login: (request, talk) => (talk.loginResponse(request, ['TargetAddress=a b'], { transit: false, statusClass: 1, statusDetail: 1 }), true) }, DeviceUnusable, /"a b", which is no address/],
];

describe('opening a unit of an iSCSI target that', function () {
  this.timeout(20_000);

  for (const [title, script, kind, text, more] of refused) {
    it(`answers with ${title} fails with the phase, and ends the connection`, async () => {
      await using target = await ScriptedTarget.listen(script);
      const error = await opened(target, more);
      assert.ok(error instanceof kind, String(error));
      assert.match(
        error.message,
        /^iscsi:\/\/(me@)?127\.0\.0\.1:\d+\/iqn\.2026-11\.example\.arbiter:scripted\/1: /,
      );
      assert.match(error.message, text);
      assert.ok(!/[^ -~]/.test(error.message), 'only what a terminal shows');
      await ended(target.connections[0]!);
    });
  }

  // prettier-ignore
  const silences: readonly [phase: string, script: Script, text: RegExp, more?: Partial<IscsiAddress>][] = [
    ['before it has said anything', { login: () => true }, /: login, security negotiation: no answer within 500 ms$/],
    ['when it has asked for CHAP', asking(() => undefined), /: login, CHAP: no answer within 500 ms$/, chap],
    ['before the operational negotiation', { login: (request) => request.currentStage === 1 }, /: login, operational negotiation: no answer within 500 ms$/],
    ['when it has let one in', { command: () => true }, /: INQUIRY was not answered within \d+ ms, before it was of use$/],
    ['at TEST UNIT READY', { command: ({ cdb }) => cdb[0] === 0x00 }, /: TEST UNIT READY was not answered within \d+ ms/],
    ['at READ CAPACITY', { command: ({ cdb }) => cdb[0] === 0x9e }, /: SERVICE ACTION IN\(16\) was not answered within \d+ ms/],
    ['at MODE SENSE', { command: ({ cdb }) => cdb[0] === 0x1a }, /: MODE SENSE\(6\) was not answered within \d+ ms/],
  ];
  for (const [phase, script, text, more] of silences) {
    it(`falls silent ${phase} fails at the deadline, which is that of all of it`, async () => {
      await using target = await ScriptedTarget.listen(script);
      const error = await opened(target, more, short);
      assert.ok(error instanceof RequestFailed, String(error));
      assert.match(error.message, text);
      await ended(target.connections[0]!);
    });
  }

  it('is not there fails with what the system says', async () => {
    const gone = await ScriptedTarget.listen();
    const address = gone.address();
    await gone[Symbol.asyncDispose]();
    await assert.rejects(IscsiBlockDevice.open({ address }, long), {
      name: 'RequestFailed',
      code: 'ENOTCONN',
      message: /: not connected: connect ECONNREFUSED 127\.0\.0\.1:\d+$/,
    });
  });

  it('closes the connection in the middle of the login fails with the phase', async () => {
    await using target = await ScriptedTarget.listen({ login: (_, talk) => (talk.socket.end(), true) });
    const error = await opened(target);
    assert.match(
      error.message,
      /: not connected: login, security negotiation: the target closed the connection$/,
    );
  });

  it('goes on with its text without end is given up with bounded memory', async () => {
    const more = 'X'.repeat(8000);
    await using target = await ScriptedTarget.listen({
      login: (request, talk) => {
        talk.loginResponse(request, [`X${talk.statSN}=${more}`], { transit: false, continued: true });
        return true;
      },
    });
    const error = await opened(target);
    assert.match(error.message, /: login, security negotiation: text of more than 65536 bytes$/);
    await ended(target.connections[0]!);
  });

  it('pours without end is left at the first PDU that cannot be', async () => {
    await using target = await ScriptedTarget.listen();
    let poured: Promise<number> | undefined;
    target.script = { greeting: ({ socket }) => void (poured = pour(socket, longSegment(0xff_ffff))) };
    await opened(target);
    assert.ok((await poured!) < pouredBytes);
  });

  it('sends a challenge back, or does not prove itself, is not trusted', async () => {
    await using target = await ScriptedTarget.listen(
      asking((request, talk) => talk.loginResponse(request, [])),
    );
    process.env['LIBISCSI_CHAP_TARGET_PASSWORD'] = 'another secret of 24 b.';
    try {
      const { targetSecretFile: _, ...account } = mutual;
      const error = await opened(target, account);
      assert.ok(error instanceof DeviceUnusable);
      assert.match(error.message, /: login, CHAP: .*does not answer the challenge/);
      assert.ok(!error.message.includes('secret of'), error.message);
    } finally {
      delete process.env['LIBISCSI_CHAP_TARGET_PASSWORD'];
    }
  });
});

describe('a target that has moved', () => {
  const moved = (to: () => string): Script => ({
    login: (request, talk) => {
      talk.loginResponse(request, [`TargetAddress=${to()}`], {
        transit: false,
        statusClass: 1,
        statusDetail: 1,
      });
      return true;
    },
  });

  it('is followed, under the name it was asked for, and asked at its own address the next time', async () => {
    await using there = await ScriptedTarget.listen();
    await using here = await ScriptedTarget.listen(moved(() => `127.0.0.1:${there.port},1`));
    await using device = await IscsiBlockDevice.open({ address: here.address() }, long);
    assert.equal(device.name, `iscsi://127.0.0.1:${here.port}/iqn.2026-11.example.arbiter:scripted/1`);
    there.script = { command: (_, talk) => (talk.socket.destroy(), true) };
    await assert.rejects(device.read(0, 512, long), OutcomeUnknown);
    there.script = {};
    await device.read(0, 512, long);
    assert.deepEqual([here.connections.length, there.connections.length], [2, 2]);
  });

  it('is not followed twice', async () => {
    await using here = await ScriptedTarget.listen();
    here.script = moved(() => `127.0.0.1:${here.port}`);
    const error = await opened(here);
    assert.ok(error instanceof DeviceUnusable);
    assert.match(error.message, /the target has moved for now to "127[^"]+", and from there again: /);
    assert.equal(here.connections.length, 2);
  });

  it('to where nobody is fails with that', async () => {
    const gone = await ScriptedTarget.listen();
    const { port } = gone;
    await gone[Symbol.asyncDispose]();
    await using here = await ScriptedTarget.listen(moved(() => `127.0.0.1:${port}`));
    const error = await opened(here);
    assert.ok(error instanceof RequestFailed);
    assert.match(error.message, /ECONNREFUSED/);
  });
});
