import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import {
  chmod,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { FileBlockDevice } from './file.ts';

const long = 5000;
const run = promisify(execFile);

/** Permissions stop everybody but root. */
async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return act();
  process.seteuid?.(65534);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
  }
}

/** Keeps every thread that makes this process's system calls busy, as a disk does that stopped answering. */
async function holdSystemCalls(directory: string): Promise<() => Promise<void>> {
  const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
  const pipes = Array.from({ length: threads }, (_, index) => join(directory, `pipe-${index}`));
  await run('mkfifo', pipes);
  // Opening a pipe waits until its other end is opened.
  const opened = Promise.all(pipes.map((pipe) => open(pipe, 'r')));
  await new Promise(setImmediate);
  return async () => {
    const others = pipes.map((pipe) => openSync(pipe, constants.O_RDWR));
    for (const handle of await opened) await handle.close();
    for (const other of others) closeSync(other);
  };
}

/** How this process has opened a file, by the kernel's account (proc(5)). */
async function flagsOfOpen(path: string): Promise<number> {
  for (const fd of await readdir('/proc/self/fd')) {
    if ((await readlink(`/proc/self/fd/${fd}`).catch(() => '')) !== path) continue;
    const info = await readFile(`/proc/self/fdinfo/${fd}`, 'utf8');
    return Number.parseInt(/^flags:\s*([0-7]+)$/m.exec(info)![1]!, 8);
  }
  throw new Error(`${path} is not open`);
}

describe('a file as a block device', () => {
  let directory: string;
  let path: string;
  let name: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'block-file-'));
    path = join(directory, 'a disk.img');
    name = pathToFileURL(path).href;
    await writeFile(path, Buffer.alloc(65536, 'arbiter '));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('has the size of the file and sectors that O_DIRECT takes', async () => {
    await using device = await FileBlockDevice.open(path);
    assert.deepEqual([device.name, device.sizeBytes, device.readOnly], [name, 65536, false]);
    assert.match(device.name, /^file:\/\/\/.*a%20disk\.img$/);
    assert.ok([512, 4096].includes(device.sectorBytes));
    assert.equal(typeof device.direct, 'boolean');
  });

  it('reads what is in it and writes where it was told, and nowhere else', async () => {
    await using device = await FileBlockDevice.open(path);
    const { sectorBytes } = device;
    const sector = new Uint8Array(sectorBytes).fill(7);
    await device.writeDurably(2 * sectorBytes, sector, long);
    const expected = Buffer.alloc(65536, 'arbiter ');
    expected.set(sector, 2 * sectorBytes);
    assert.deepEqual(await readFile(path), expected);
    const read = await device.read(sectorBytes, 2 * sectorBytes, long);
    assert.deepEqual(Buffer.from(read), expected.subarray(sectorBytes, 3 * sectorBytes));
  });

  it('has requests side by side that do not share memory', async () => {
    await using device = await FileBlockDevice.open(path);
    const { sectorBytes } = device;
    const count = 65536 / sectorBytes;
    const sectors = Array.from({ length: count }, (_, index) => new Uint8Array(sectorBytes).fill(index));
    await Promise.all(sectors.map((sector, index) => device.writeDurably(index * sectorBytes, sector, long)));
    const reads = await Promise.all(
      sectors.map((_, index) => device.read(index * sectorBytes, sectorBytes, long)),
    );
    assert.deepEqual(reads, sectors);
  });

  it('gives memory away for good with what it read', async () => {
    await using device = await FileBlockDevice.open(path);
    const { sectorBytes } = device;
    await device.writeDurably(0, new Uint8Array(sectorBytes).fill(1), long);
    const first = await device.read(0, sectorBytes, long);
    await device.read(sectorBytes, sectorBytes, long);
    assert.ok(first.every((byte) => byte === 1));
  });

  it('is opened so that every write reaches the disk before it is answered', async () => {
    await using device = await FileBlockDevice.open(path);
    assert.equal(device.readOnly, false);
    const flags = await flagsOfOpen(path);
    assert.equal(flags & constants.O_DSYNC, constants.O_DSYNC);
    assert.equal((flags & constants.O_DIRECT) !== 0, device.direct);
  });

  it('takes nothing that does not lie within it, and never grows', async () => {
    await using device = await FileBlockDevice.open(path);
    const { sectorBytes } = device;
    await assert.rejects(device.writeDurably(65536, new Uint8Array(sectorBytes), long), {
      name: 'RequestFailed',
      code: 'EINVAL',
      effect: 'none',
      message: `${name}: write of ${sectorBytes} bytes at 65536 was not tried: the device has 65536 bytes`,
    });
    await assert.rejects(device.read(65536 - sectorBytes, 2 * sectorBytes, long), { code: 'EINVAL' });
    if (device.direct) {
      await assert.rejects(device.read(1, sectorBytes, long), {
        message: `${name}: read of ${sectorBytes} bytes at 1 was not tried: offset and length must be multiples of ${sectorBytes}`,
      });
    }
    assert.equal((await readFile(path)).length, 65536);
  });

  it('fails a read of what was cut off after it was opened', async () => {
    await using device = await FileBlockDevice.open(path);
    await truncate(path, 4096);
    await assert.rejects(device.read(0, 8192, long), {
      name: 'RequestFailed',
      code: 'EIO',
      message: `${name}: read of 8192 bytes at 0 ended after 4096`,
    });
  });

  it('does not know what became of a request past its deadline, and waits for it when it is closed', async () => {
    const device = await FileBlockDevice.open(path);
    const sector = new Uint8Array(device.sectorBytes).fill(7);
    const release = await holdSystemCalls(directory);
    let closed: Promise<void> | undefined;
    try {
      await assert.rejects(device.writeDurably(0, sector, 10), {
        name: 'OutcomeUnknown',
        message: `${name}: write of ${device.sectorBytes} bytes at 0 did not finish within 10 ms`,
      });
      closed = device[Symbol.asyncDispose]();
    } finally {
      await release();
      await closed;
    }
    assert.deepEqual((await readFile(path)).subarray(0, sector.length), Buffer.from(sector));
  });

  it('is opened read-only where writing is not permitted, and then not written', async () => {
    await chmod(directory, 0o755);
    await chmod(path, 0o444);
    await using device = await asNobody(() => FileBlockDevice.open(path));
    assert.equal(device.readOnly, true);
    await assert.rejects(device.writeDurably(0, new Uint8Array(device.sectorBytes), long), {
      code: 'EPERM',
      message: `${name}: write of ${device.sectorBytes} bytes at 0 was not tried: it is read-only`,
    });
  });

  it('that cannot be one is refused in one line', async () => {
    const missing = join(directory, 'missing');
    await assert.rejects(FileBlockDevice.open(missing), {
      name: 'DeviceUnusable',
      message: `${pathToFileURL(missing).href}: cannot be opened: no such file`,
    });
    await mkdir(missing);
    await assert.rejects(FileBlockDevice.open(missing), {
      message: `${pathToFileURL(missing).href}: cannot be opened: a directory, not a file or disk`,
    });
    await assert.rejects(FileBlockDevice.open('/dev/null'), {
      message: 'file:///dev/null: neither a regular file nor a block device',
    });
  });
});

describe('a file without O_DIRECT as a block device', () => {
  it('says so, and works through the page cache', async function () {
    // /proc has regular files and no O_DIRECT on every Linux.
    await using device = await FileBlockDevice.open('/proc/self/status');
    assert.deepEqual([device.direct, device.sectorBytes], [false, 512]);
  });
});
