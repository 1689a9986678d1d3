import assert from 'node:assert/strict';
import { NBD_CMD, NBD_CMD_FLAG, NBD_ERROR, NBD_TRANSMISSION } from '../../wire/nbd/constants.ts';
import { bytesOf, noneChunk, structuredWelcome, welcome } from '../../wire/nbd/server-bytes.fixture.ts';
import { NbdBlockDevice } from './device.ts';
import { says, ScriptedServer } from './scripted-server.fixture.ts';

const long = 5000;
const gibibyte = 2 ** 30;
const { FUA, NO_HOLE, FAST_ZERO } = NBD_CMD_FLAG;
const { HAS_FLAGS, READ_ONLY, SEND_FLUSH, SEND_FUA, SEND_TRIM, SEND_WRITE_ZEROES, SEND_FAST_ZERO } =
  NBD_TRANSMISSION;
const everything = HAS_FLAGS | SEND_FLUSH | SEND_FUA | SEND_TRIM | SEND_WRITE_ZEROES | SEND_FAST_ZERO;

async function opened(server: ScriptedServer, flags: number): Promise<NbdBlockDevice> {
  server.opening = says(welcome(16 * gibibyte, flags));
  return NbdBlockDevice.open(server.address, 'quorum', long);
}

describe('an NBD block device that is cleared', () => {
  // prettier-ignore
  const zeroes: readonly [what: string, offers: number, options: object, flags: number][] = [
    [ 'durably',                           everything, {},                                          FUA ],
    [ 'with the space kept',               everything, { keepAllocated: true },                     FUA | NO_HOLE ],
    [ 'only where that is fast',           everything, { onlyFast: true },                          FUA | FAST_ZERO ],
    [ 'only where that is fast and kept',  everything, { onlyFast: true, keepAllocated: true },     FUA | FAST_ZERO | NO_HOLE ],
    [ 'without trim or fast zeroes',       HAS_FLAGS | SEND_FUA | SEND_WRITE_ZEROES, { keepAllocated: true }, FUA | NO_HOLE ],
  ];
  for (const [what, offers, options, flags] of zeroes) {
    it(`writes zeroes ${what}, 3 GiB in one request`, async () => {
      await using server = await ScriptedServer.listen();
      await using device = await opened(server, offers);
      const written = device.writeZeroesDurably(gibibyte, 3 * gibibyte, long, options);
      const seen = await server.request();
      assert.deepEqual(
        [seen.type, seen.flags, seen.offset, seen.length, seen.payload.length],
        [NBD_CMD.WRITE_ZEROES, flags, gibibyte, 3 * gibibyte, 0],
      );
      seen.reply();
      await written;
    });
  }

  it('flushes after zeroes where there is no forced unit access', async () => {
    await using server = await ScriptedServer.listen();
    await using device = await opened(server, HAS_FLAGS | SEND_FLUSH | SEND_WRITE_ZEROES);
    const written = device.writeZeroesDurably(0, 4096, long);
    const zeroes = await server.request();
    assert.deepEqual([zeroes.type, zeroes.flags], [NBD_CMD.WRITE_ZEROES, 0]);
    zeroes.reply();
    const flush = await server.request();
    assert.equal(flush.type, NBD_CMD.FLUSH);
    flush.reply(NBD_ERROR.EIO);
    await assert.rejects(written, {
      name: 'OutcomeUnknown',
      message: `${device.name}: write of 4096 zeroes at 0 was answered, but not the flush after it`,
    });
  });

  it('is told that zeroes are not fast, and that nothing was written', async () => {
    await using server = await ScriptedServer.listen();
    await using device = await opened(server, everything);
    const written = device.writeZeroesDurably(0, 512, long, { onlyFast: true });
    (await server.request()).reply(NBD_ERROR.ENOTSUP);
    await assert.rejects(written, { name: 'RequestFailed', code: 'ENOTSUP' });
  });

  it('trims, and takes a structured reply to that', async () => {
    await using server = await ScriptedServer.listen({ opening: says(structuredWelcome(65536, everything)) });
    await using device = await NbdBlockDevice.open(server.address, 'quorum', long);
    const trimmed = device.trim(512, 1024, long);
    const seen = await server.request();
    assert.deepEqual([seen.type, seen.flags, seen.offset, seen.length], [NBD_CMD.TRIM, 0, 512, 1024]);
    seen.socket.write(noneChunk(seen.cookie));
    await trimmed;
  });

  // prettier-ignore
  const refused: readonly [what: string, offers: number, act: (device: NbdBlockDevice) => Promise<void>, code: string, text: string][] = [
    [ 'no trim', everything & ~SEND_TRIM, (device) => device.trim(0, 512, long),
      'ENOTSUP', 'trim of 512 bytes at 0 was not sent: the export does not offer trim' ],
    [ 'no zeroes', everything & ~SEND_WRITE_ZEROES, (device) => device.writeZeroesDurably(0, 512, long),
      'ENOTSUP', 'write of 512 zeroes at 0 was not sent: the export does not offer to write zeroes' ],
    [ 'no fast zeroes', everything & ~SEND_FAST_ZERO, (device) => device.writeZeroesDurably(0, 512, long, { onlyFast: true }),
      'ENOTSUP', 'write of 512 zeroes at 0 was not sent: the export does not offer to tell whether zeroes are fast' ],
    [ 'no trim where it is read-only', everything | READ_ONLY, (device) => device.trim(0, 512, long),
      'EPERM', 'trim of 512 bytes at 0 was not sent: the export is read-only' ],
    [ 'no zeroes where it is read-only', everything | READ_ONLY, (device) => device.writeZeroesDurably(0, 512, long),
      'EPERM', 'write of 512 zeroes at 0 was not sent: the export is read-only' ],
    [ 'no trim of more than 32 bits say', everything, (device) => device.trim(0, 2 ** 32, long),
      'EINVAL', 'trim of 4294967296 bytes at 0 was not sent: one request has at most 4294967295 bytes' ],
    [ 'no zeroes behind the end', everything, (device) => device.writeZeroesDurably(16 * gibibyte, 512, long),
      'EINVAL', 'write of 512 zeroes at 17179869184 was not sent: the device has 17179869184 bytes' ],
    [ 'no durable zeroes where nothing makes them durable', HAS_FLAGS | SEND_WRITE_ZEROES, (device) => device.writeZeroesDurably(0, 512, long),
      'ENOTSUP', 'write of 512 zeroes at 0 was not sent: the export offers neither forced unit access nor flush' ],
  ];
  for (const [what, offers, act, code, text] of refused) {
    it(`sends ${what}`, async () => {
      await using server = await ScriptedServer.listen();
      await using device = await opened(server, offers);
      await assert.rejects(act(device), { name: 'RequestFailed', code, message: `${device.name}: ${text}` });
      assert.equal(server.untaken, 0);
    });
  }
});

describe('the backlog of an NBD block device', () => {
  it('has room for 4096 requests, and fails the next one without sending it', async () => {
    await using server = await ScriptedServer.listen();
    await using device = await opened(server, everything);
    const reads = Array.from({ length: 4096 }, () => device.read(0, 512, long));
    await assert.rejects(device.read(512, 512, long), {
      name: 'RequestFailed',
      code: 'EBUSY',
      message: `${device.name}: read of 512 bytes at 512 was not sent: 4096 requests are under way already`,
    });
    for (let count = 0; count < 4096; count += 1) (await server.request()).reply(0, new Uint8Array(512));
    await Promise.all(reads);
    const next = device.read(0, 5, long);
    (await server.request()).reply(0, bytesOf('hello'));
    await next;
    assert.equal(server.untaken, 0);
  });

  it('has room for 128 MiB of payload, and for requests without any', async () => {
    await using server = await ScriptedServer.listen();
    await using device = await opened(server, everything);
    const most = 32 * 1024 * 1024;
    const reads = Array.from({ length: 4 }, () => device.read(0, most, long));
    const settled = Promise.allSettled(reads);
    const write = (): Promise<void> => device.writeDurably(0, new Uint8Array(512), long);
    await assert.rejects(write(), {
      code: 'EBUSY',
      message: `${device.name}: write of 512 bytes at 0 was not sent: requests with 134217728 bytes are under way already`,
    });
    const trimmed = device.trim(0, gibibyte, long);
    (await server.request()).reply(NBD_ERROR.EIO);
    await assert.rejects(reads[0]!, { code: 'EIO' });
    const written = write();
    for (let count = 0; count < 3; count += 1) (await server.request()).reply(NBD_ERROR.EIO);
    (await server.request()).reply();
    await trimmed;
    (await server.request()).reply();
    await written;
    await settled;
  });

  it('counts requests that wait for a connection', async () => {
    await using server = await ScriptedServer.listen();
    await using device = await opened(server, everything);
    const lost = device.read(0, 512, long).catch((error: Error) => error.name);
    const { socket } = await server.request();
    server.opening = says();
    socket.resetAndDestroy();
    assert.equal(await lost, 'OutcomeUnknown');
    const waiting = Promise.allSettled(Array.from({ length: 4096 }, () => device.read(0, 512, 300)));
    await assert.rejects(device.read(0, 512, long), { code: 'EBUSY' });
    assert.deepEqual(new Set((await waiting).map(({ status }) => status)), new Set(['rejected']));
  });
});
