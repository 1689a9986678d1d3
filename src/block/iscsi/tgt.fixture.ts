import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { truncate, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { needs, Scratch } from '../nbd/servers.fixture.ts';
import type { IscsiAddress } from '../uri-iscsi.ts';

/** Where Debian has tgtd and tgtadm, which is on few users' path. */
const path = `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/local/sbin:/usr/sbin:/sbin`;
const run = promisify(execFile);

/** Skips a suite, saying so, where tgt is missing. */
export async function needsTgt(context: Mocha.Context): Promise<void> {
  process.env['PATH'] = path;
  await needs(context, 'tgtd', 'tgt');
}

export interface TgtUnit {
  lun: number;
  /** 1 MiB by default. */
  sizeBytes?: number;
  /** 512 by default. */
  blockBytes?: number;
  /** For `tgtadm --op update --params`: `readonly=1`, `mode_page=8:0:18:0x10:...`. */
  params?: string;
}

interface Account {
  user: string;
  secret: string;
}

export interface TgtOptions {
  target?: string;
  units?: readonly TgtUnit[];
  /** Whoever logs in has to prove to be one of these. */
  chap?: readonly Account[];
  /** What the target proves to be. */
  itself?: Account;
  /** Settings of the target, as `HeaderDigest=CRC32C`. */
  settings?: Readonly<Record<string, string>>;
  /** More of the environment of tgtd. */
  env?: Readonly<Record<string, string>>;
}

/** A tgtd of one's own, on loopback at a port the system chose, with files in a folder of its own. It dies with this process. */
export class Tgt implements AsyncDisposable {
  readonly target: string;
  readonly #options: TgtOptions;
  readonly #scratch: Scratch;
  #child: ChildProcess | undefined;
  #port = 0;

  static async start(options: TgtOptions = {}): Promise<Tgt> {
    const tgt = new Tgt(options, await Scratch.make());
    for (const { lun, sizeBytes = 1 << 20 } of tgt.#units) {
      await writeFile(tgt.image(lun), '');
      await truncate(tgt.image(lun), sizeBytes);
    }
    await tgt.start();
    return tgt;
  }

  private constructor(options: TgtOptions, scratch: Scratch) {
    this.#options = options;
    this.#scratch = scratch;
    this.target = options.target ?? 'iqn.2026-11.example.arbiter:storage';
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** The file behind a unit. */
  image(lun: number): string {
    return this.#scratch.file(`unit-${lun}`);
  }

  /** `query` as in a URI, without its question mark. */
  uri(lun: number, { user, query }: { user?: string; query?: string } = {}): string {
    const who = user === undefined ? '' : `${user}@`;
    return `iscsi://${who}127.0.0.1:${this.#port}/${this.target}/${lun}${query === undefined ? '' : `?${query}`}`;
  }

  address(lun: number, more: Partial<IscsiAddress> = {}): IscsiAddress {
    const { target } = this;
    const where = { host: '127.0.0.1', port: this.#port };
    return { ...where, target, lun, headerDigest: 'none', dataDigest: 'none', ...more };
  }

  /** `tgtadm --lld iscsi` with these arguments; what it prints. */
  async admin(...args: readonly string[]): Promise<string> {
    const { stdout } = await run('tgtadm', ['-C', '1', '--lld', 'iscsi', ...args], {
      env: { PATH: path, TGT_IPC_SOCKET: this.#scratch.file('ipc') },
    });
    return stdout;
  }

  /** Ends sessions from the target's side, the oldest first, up to `most`; their registrations stay. */
  async dropSessions(most = Infinity): Promise<void> {
    const shown = await this.admin('--mode', 'conn', '--op', 'show', '--tid', '1');
    for (const [, sid] of [...shown.matchAll(/^Session: (\d+)/gm)].reverse().slice(0, most)) {
      const gone = this.admin('--mode', 'conn', '--op', 'delete', '--tid', '1', '--sid', sid!, '--cid', '0');
      await gone.catch((error: Error) => {
        // It may have left by itself meanwhile.
        if (!error.message.includes("can't find the session")) throw error;
      });
    }
  }

  /** SIGKILL; resolves when it was reaped. Its reservations are gone, its files are not. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  /** At the port it had before, if it was there before. */
  async start(): Promise<void> {
    const env = { ...this.#options.env, PATH: path, TGT_IPC_SOCKET: this.#scratch.file('ipc') };
    const argv = [
      '--pdeathsig',
      'KILL',
      'tgtd',
      '-f',
      '-C',
      '1',
      '--iscsi',
      `portal=127.0.0.1:${this.#port}`,
    ];
    const child = spawn('setpriv', argv, { stdio: ['ignore', 'ignore', 'pipe'], env });
    this.#child = child;
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    for (let tries = 0; child.exitCode === null && tries < 500; tries += 1) {
      const portals = await this.admin('--mode', 'portal', '--op', 'show').catch(() => '');
      const [, port] = /^Portal: 127\.0\.0\.1:(\d+),/m.exec(portals) ?? [];
      if (port === undefined) await pause(10);
      else {
        this.#port = Number(port);
        return this.#configure();
      }
    }
    await this.kill();
    throw new Error(`tgtd did not start: ${said}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#scratch[Symbol.asyncDispose]();
  }

  get #units(): readonly TgtUnit[] {
    return this.#options.units ?? [{ lun: 1 }];
  }

  async #configure(): Promise<void> {
    const { chap = [], itself, settings = {} } = this.#options;
    const target = ['--mode', 'target', '--tid', '1'];
    await this.admin('--op', 'new', ...target, '-T', this.target);
    for (const { lun, blockBytes = 512, params } of this.#units) {
      const unit = ['--mode', 'logicalunit', '--tid', '1', '--lun', `${lun}`];
      await this.admin('--op', 'new', ...unit, '-b', this.image(lun), '--blocksize', `${blockBytes}`);
      if (params !== undefined) await this.admin('--op', 'update', ...unit, '--params', params);
    }
    for (const [name, value] of Object.entries(settings)) {
      await this.admin('--op', 'update', ...target, '--name', name, '--value', value);
    }
    for (const account of chap) await this.#account(account, []);
    if (itself !== undefined) await this.#account(itself, ['--outgoing']);
    await this.admin('--op', 'bind', ...target, '-I', 'ALL');
  }

  async #account({ user, secret }: Account, how: readonly string[]): Promise<void> {
    await this.admin('--op', 'new', '--mode', 'account', '--user', user, '--password', secret);
    await this.admin('--op', 'bind', '--mode', 'account', '--tid', '1', '--user', user, ...how);
  }
}
