import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { NbdAddress } from '../uri-nbd.ts';

/** Skips a suite, saying so, where a program is missing: `apt-get install` of its package brings it. */
export async function needs(context: Mocha.Context, program: string, debianPackage: string): Promise<void> {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    if (
      await access(join(directory, program)).then(
        () => true,
        () => false,
      )
    )
      return;
  }
  console.log(`      skipped: ${program} is not installed (Debian package ${debianPackage})`);
  context.skip();
}

/** A folder for one test's sockets, process ids and images. */
export class Scratch implements AsyncDisposable {
  readonly path: string;

  static async make(): Promise<Scratch> {
    return new Scratch(await mkdtemp(join(tmpdir(), 'nbd-interop-')));
  }

  private constructor(path: string) {
    this.path = path;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.path, { recursive: true });
  }
}

export type Transport = 'tcp' | 'unix';

/** A running NBD server of somebody else's. */
export class StockServer implements AsyncDisposable {
  readonly address: NbdAddress;
  readonly #child: ChildProcess;

  constructor(address: NbdAddress, child: ChildProcess) {
    this.address = address;
    this.#child = child;
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

/** A port that is free now. */
export async function freePort(): Promise<{ host: string; port: number }> {
  const server = createServer({}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return { host: '127.0.0.1', port };
}

/** An address that is free now. */
export async function freeAddress(transport: Transport, scratch: Scratch): Promise<NbdAddress> {
  return transport === 'unix' ? { socketPath: scratch.file('socket') } : freePort();
}

export async function startNbdkit(
  scratch: Scratch,
  args: readonly string[],
  address: NbdAddress,
): Promise<StockServer> {
  const where =
    'socketPath' in address ? ['-U', address.socketPath] : ['-i', address.host, '-p', `${address.port}`];
  return start(scratch, 'nbdkit', ['-f', ...where, '-P', scratch.file('pid'), ...args], address);
}

export async function startQemuNbd(
  scratch: Scratch,
  args: readonly string[],
  address: NbdAddress,
): Promise<StockServer> {
  const where =
    'socketPath' in address ? ['-k', address.socketPath] : ['-b', address.host, '-p', `${address.port}`];
  return start(scratch, 'qemu-nbd', [...where, '--pid-file', scratch.file('pid'), '-t', ...args], address);
}

/** `image` as the export `quorum`. */
export async function startQemuStorageDaemon(
  scratch: Scratch,
  image: string,
  address: NbdAddress,
): Promise<StockServer> {
  const where =
    'socketPath' in address
      ? `addr.type=unix,addr.path=${address.socketPath}`
      : `addr.type=inet,addr.host=${address.host},addr.port=${address.port}`;
  const args = [
    ...['--blockdev', `driver=file,node-name=disk,filename=${image},discard=unmap`],
    ...['--nbd-server', where, '--export', 'type=nbd,id=quorum,node-name=disk,name=quorum,writable=on'],
    ...['--pidfile', scratch.file('pid')],
  ];
  return start(scratch, 'qemu-storage-daemon', args, address);
}

/**
 * The reference server with `image` as the export `quorum`, for one connection: with `-d` it does not fork for it, so that
 * to end it ends all of it, and it leaves with its client. Of its own start it says nothing: the port is watched.
 */
export async function startNbdServer(
  scratch: Scratch,
  image: string,
  address: { host: string; port: number },
  options: readonly string[] = [],
): Promise<StockServer> {
  const config = [
    ...['[generic]', `listenaddr = ${address.host}`, `port = ${address.port}`],
    ...['[quorum]', `exportname = ${image}`, ...options],
  ];
  await writeFile(scratch.file('config'), `${config.join('\n')}\n`);
  const args = ['-d', '-C', scratch.file('config')];
  return start(scratch, 'nbd-server', args, address, () => isListening(address.port));
}

/** proc(5), net/tcp: local address and port in hex; 0A is TCP_LISTEN. */
async function isListening(port: number): Promise<boolean> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n');
  return lines.some((line) => {
    const [, address, , state] = line.trim().split(/\s+/);
    return address?.endsWith(local) === true && state === '0A';
  });
}

/** Most of these programs write their process id when they listen. */
async function start(
  scratch: Scratch,
  program: string,
  args: readonly string[],
  address: NbdAddress,
  isUp?: () => Promise<boolean>,
): Promise<StockServer> {
  await rm(scratch.file('pid'), { force: true });
  if ('socketPath' in address) await rm(address.socketPath, { force: true });
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const hasPid = async (): Promise<boolean> =>
    (await readFile(scratch.file('pid'), 'utf8').catch(() => '')).trim() === `${child.pid}`;
  for (let tries = 0; tries < 500 && child.exitCode === null; tries += 1) {
    if (await (isUp ?? hasPid)()) return new StockServer(address, child);
    await pause(10);
  }
  child.kill('SIGKILL');
  throw new Error(`${program} ${args.join(' ')} did not start: ${said}`);
}
