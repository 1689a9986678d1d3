import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { NbdAddress } from '../uri.ts';

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

/** An address that is free now. */
export async function freeAddress(transport: Transport, scratch: Scratch): Promise<NbdAddress> {
  if (transport === 'unix') return { socketPath: scratch.file('socket') };
  const server = createServer({}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return { host: '127.0.0.1', port };
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

/** Both programs write their process id when they listen. */
async function start(
  scratch: Scratch,
  program: string,
  args: readonly string[],
  address: NbdAddress,
): Promise<StockServer> {
  await rm(scratch.file('pid'), { force: true });
  if ('socketPath' in address) await rm(address.socketPath, { force: true });
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  for (let tries = 0; tries < 500 && child.exitCode === null; tries += 1) {
    const pid = await readFile(scratch.file('pid'), 'utf8').catch(() => '');
    if (pid.trim() === `${child.pid}`) return new StockServer(address, child);
    await pause(10);
  }
  child.kill('SIGKILL');
  throw new Error(`${program} ${args.join(' ')} did not start: ${said}`);
}
