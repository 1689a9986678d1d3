import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NbdBlockDevice } from '../block/nbd/device.ts';
import { OutcomeUnknown, RequestFailed } from '../ports/block-device.ts';
import { NBD_CMD, NBD_ERROR } from '../wire/nbd/constants.ts';
import { clientFlags, exportName, request, write } from '../wire/nbd/server/client-bytes.fixture.ts';
import { Bridge } from './bridge.ts';
import { MemoryUnit } from './memory-unit.fixture.ts';

const NAME = 'data@server-1.1.11111111';
const DEADLINE_MS = 5000;
const MiB = 1024 * 1024;

/** A client that takes no care of anything: it sends, and counts what comes back. */
class RawClient {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  /** Resolves with the next bytes or the end, whatever that is like. */
  #next = Promise.withResolvers<void>();

  static async into(path: string, name = NAME): Promise<RawClient> {
    const socket = connect({ path });
    const client = new RawClient(socket);
    await once(socket, 'connect');
    socket.write(Buffer.concat([clientFlags(), exportName(name)]));
    return client;
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    const happened = () => {
      this.#next.resolve();
      this.#next = Promise.withResolvers();
    };
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      happened();
    });
    socket.on('error', () => {}).on('close', happened);
  }

  /** Behind the greeting and what NBD_OPT_EXPORT_NAME is answered, without its zeroes. */
  async replies(count: number): Promise<{ error: number; cookie: number }[]> {
    while (this.#received.length < 28 + 16 * count && !this.socket.closed) {
      await this.#next.promise;
    }
    const all = this.#received.subarray(28);
    return Array.from({ length: Math.min(count, Math.floor(all.length / 16)) }, (_, n) => ({
      error: all.readUInt32BE(16 * n + 4),
      cookie: Number(all.readBigUInt64BE(16 * n + 8)),
    }));
  }

  async closed(): Promise<void> {
    while (!this.socket.closed) await this.#next.promise;
  }
}

describe('the bridge to a service', () => {
  let folder: string;
  let path: string;
  let unit: MemoryUnit;
  let bridge: Bridge;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'arbiter-bridge-'));
    path = join(folder, 'data.sock');
    unit = new MemoryUnit();
    bridge = await Bridge.open(path, NAME, unit);
  });
  afterEach(() => {
    bridge.close();
    rmSync(folder, { recursive: true });
  });

  const open = (name = NAME) => NbdBlockDevice.open({ socketPath: path }, name, DEADLINE_MS);

  it('reads and writes, and passes on what has to be on stable storage', async () => {
    await using device = await open();
    assert.deepEqual([device.sizeBytes, device.sectorBytes], [unit.sizeBytes, 512]);
    await device.writeDurably(512, Buffer.alloc(1024, 'a'), DEADLINE_MS);
    assert.deepEqual(Buffer.from(await device.read(1024, 512, DEADLINE_MS)), Buffer.alloc(512, 'a'));
    const raw = await RawClient.into(path);
    raw.socket.write(write(0, Buffer.alloc(512)));
    raw.socket.write(request({ command: NBD_CMD.FLUSH }));
    assert.deepEqual(
      (await raw.replies(2)).map(({ error }) => error),
      [0, 0],
    );
    assert.deepEqual(unit.log, ['write 1024 at 512 durably', 'read 512 at 1024', 'write 512 at 0', 'flush']);
  });

  it('serves under the name of this owner and epoch alone', async () => {
    await assert.rejects(open('data@server-1.2.11111111'), {
      message: /the data area is served as 'data@server-1\.1\.11111111', and as nothing else/,
    });
    const raw = await RawClient.into(path, 'data');
    await raw.closed();
  });

  it('is open to this user only, takes the place of a former one, and is gone when it is closed', async () => {
    assert.equal(statSync(path).mode & 0o777, 0o600);
    bridge.close();
    assert.equal(existsSync(path), false);
    // One whose process was killed leaves its socket behind.
    const left = createServer().listen(path);
    await once(left, 'listening');
    const other = await Bridge.open(path, NAME, unit);
    await using device = await open();
    assert.equal(device.sizeBytes, unit.sizeBytes);
    other.close();
    left.close();
  });

  it('refuses what no unit takes: half a block, and what it does not offer', async () => {
    const raw = await RawClient.into(path);
    raw.socket.write(write(1, Buffer.alloc(512)));
    raw.socket.write(request({ command: NBD_CMD.READ, offset: 0, length: 100 }));
    raw.socket.write(request({ command: NBD_CMD.TRIM, offset: 0, length: 512 }));
    raw.socket.write(request({ command: NBD_CMD.WRITE_ZEROES, offset: 0, length: 512 }));
    const { EINVAL } = NBD_ERROR;
    assert.deepEqual(
      (await raw.replies(4)).map(({ error }) => error),
      [EINVAL, EINVAL, EINVAL, EINVAL],
    );
    assert.deepEqual(unit.log, []);
  });

  for (const [code, name] of [
    ['RESERVATION CONFLICT', 'ESHUTDOWN'],
    ['UNIT ATTENTION 2A/03', 'ESHUTDOWN'],
    ['ENOTCONN', 'ESHUTDOWN'],
    ['MEDIUM ERROR 03/00', 'EIO'],
    ['DATA PROTECT 27/00', 'EPERM'],
    ['DATA PROTECT 27/07', 'ENOSPC'],
  ] as const) {
    it(`answers ${name} where the unit answered ${code}`, async () => {
      unit.failure = new RequestFailed('memory', code);
      const raw = await RawClient.into(path);
      raw.socket.write(write(0, Buffer.alloc(512)));
      assert.deepEqual(
        (await raw.replies(1)).map(({ error }) => error),
        [NBD_ERROR[name]],
      );
    });
  }

  it('hangs up without a word about a write whose outcome nobody knows', async () => {
    unit.failure = new OutcomeUnknown('memory');
    const raw = await RawClient.into(path);
    raw.socket.write(write(0, Buffer.alloc(512)));
    await raw.closed();
    assert.deepEqual(await raw.replies(1), []);
  });

  it('has a bound for what is under way, and goes on when there is room', async () => {
    unit.held = true;
    const raws = await Promise.all(Array.from({ length: 3 }, () => RawClient.into(path)));
    for (const raw of raws) {
      for (let n = 0; n < 8; n += 1) raw.socket.write(write(0, Buffer.alloc(4 * MiB)));
    }
    await unit.begun(16);
    // What else can come in has come in when a later client has been heard.
    await using device = await open();
    assert.equal(device.sizeBytes, unit.sizeBytes);
    assert.equal(unit.waiting.length, 16, '64 MiB, and not one more');
    unit.answerAll();
    for (const raw of raws) assert.equal((await raw.replies(8)).length, 8);
  });

  it('lets eight writes of two clients be under way together', async () => {
    unit.held = true;
    const [one, two] = [await RawClient.into(path), await RawClient.into(path)];
    for (const raw of [one, two])
      for (let n = 0; n < 4; n += 1) raw.socket.write(write(512 * n, Buffer.alloc(512)));
    await unit.begun(8);
    unit.answerAll();
    assert.equal((await one.replies(4)).length + (await two.replies(4)).length, 8);
  });

  it('when access ends, refuses what was not begun, answers what is known, and hangs up', async () => {
    unit.held = true;
    const raw = await RawClient.into(path);
    for (let n = 0; n < 20; n += 1)
      raw.socket.write(
        request({ command: NBD_CMD.WRITE, payload: Buffer.alloc(4 * MiB), cookie: BigInt(n) }),
      );
    await unit.begun(16);
    await rest(raw.socket);
    bridge.close();
    unit.answerAll();
    await raw.closed();
    const replies = await raw.replies(20);
    const known = replies.filter(({ error }) => error === 0).map(({ cookie }) => cookie);
    assert.deepEqual(
      known,
      Array.from({ length: 16 }, (_, n) => n),
    );
    assert.ok(replies.filter(({ error }) => error !== 0).every(({ error }) => error === NBD_ERROR.ESHUTDOWN));
    assert.equal(unit.log.length, 16, 'nothing was begun afterwards');
  });

  it('says nothing of what is under way when access ends and nobody knows what became of it', async () => {
    unit.held = true;
    const raw = await RawClient.into(path);
    raw.socket.write(write(0, Buffer.alloc(512)));
    await unit.begun(1);
    bridge.close();
    unit.answerAll(new OutcomeUnknown('memory'));
    await raw.closed();
    assert.deepEqual(await raw.replies(1), []);
  });

  it('turns away more clients than there is memory for', async () => {
    const clients = await Promise.all(Array.from({ length: 16 }, () => open()));
    const one = await RawClient.into(path);
    await one.closed();
    for (const client of clients) await client[Symbol.asyncDispose]();
  });
});

/** Until what was written has gone as far as it goes: the bridge reads no more. */
async function rest(socket: Socket): Promise<void> {
  for (let before = -1; socket.writableLength !== before;) {
    before = socket.writableLength;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
