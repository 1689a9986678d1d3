import { execa } from 'execa';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { AgentStatus } from '../../../src/ports/status.ts';
import type { MemberEnd, Part, World, WorldLine, WorldSpec } from '../engine.ts';
import { askUnixSocket } from '../../control/ask.ts';
import { agentConfig, clientArguments, initArguments, ledgerArguments, LineWaiter } from '../bring-up.ts';
import { DiskBrake } from '../disk-brake.ts';
import { programs } from '../programs.ts';
import { ADMIN, type AreaUris, type StorageAccess, storageAccess } from '../storage-access.ts';
import { type LabAddresses, SERVICE_PORT } from './addresses.ts';
import { MARK, send } from './marked-processes.ts';
import { MemberProcesses } from './member-processes.ts';
import { Member } from './member.ts';
import { type Met, probeLink } from './probe-link.ts';
import { reapProcesses, type Reaper } from './reaper.ts';
import { Relay } from './relay.ts';

/** A lab of child processes. A server is every process that carries its mark; a link is a relay of this process. */
export class ProcessWorld implements World {
  readonly engine = 'process';
  readonly #spec: WorldSpec;
  readonly #directory: string;
  readonly #reaper: Reaper;
  readonly #addresses: LabAddresses;
  readonly #relays = new Map<string, Relay>();
  readonly #members = new Map<string, Member>();
  readonly #processes = new Map<string, MemberProcesses>();
  readonly #lines: LineWaiter;
  readonly #access: StorageAccess;
  readonly disk: DiskBrake;

  constructor(spec: WorldSpec, directory: string, reaper: Reaper, addresses: LabAddresses) {
    this.#spec = spec;
    this.#directory = directory;
    this.#reaper = reaper;
    this.#addresses = addresses;
    this.#lines = new LineWaiter((line) => {
      this.disk.learn(line);
      spec.onLine(line);
    });
    this.disk = new DiskBrake(join(directory, 'data.img'), (argv) => this.#brake(argv));
    this.#access = storageAccess(spec.storage, spec.servers);
  }

  async bringUp(): Promise<void> {
    const { port, secret } = this.#access;
    if (secret !== undefined) await writeFile(this.#secretFile, secret, { mode: 0o600 });
    await this.startStorage();
    const init = initArguments(this.#uris(this.#addresses.storage, ADMIN).quorum, this.#spec);
    const { exitCode, stderr } = await execa(process.execPath, [programs.arbiter, ...init], {
      reject: false,
      timeout: 20_000,
    });
    if (exitCode !== 0) throw new Error(`arbiter init ended with ${exitCode}: ${stderr.trim()}`);
    for (const server of this.#spec.servers) {
      const host = this.peerAddress(server);
      const to = { host: this.#addresses.storage, port, localAddress: host };
      this.#relays.set(server, await Relay.open({ listen: { host, port }, to }));
    }
  }

  async startServer(server: string): Promise<void> {
    const state = join(this.#directory, server);
    await mkdir(state, { recursive: true });
    const host = this.peerAddress(server);
    const service = [process.execPath, programs.ledger, ...ledgerArguments(`${host}:${SERVICE_PORT}`)];
    const own = { node: server, service, status: this.#statusSocket(server), state };
    const agent = agentConfig(this.#spec, { ...this.#uris(host, server), ...own });
    await writeFile(this.agentFile(server), stringify(agent));
    await this.#member(server).start([programs.arbiter, 'run', '-c', this.agentFile(server)]);
  }

  async killServer(server: string): Promise<void> {
    this.#indexOf(server);
    await this.#kill(server);
  }

  async stopServer(server: string): Promise<number | null> {
    if (this.#processesOf(server).frozen)
      throw new Error(`${server} is frozen: it cannot be asked to stop before it is thawed`);
    const code = await this.#stop(server);
    await this.#lines.until(async () => (await this.alive(server)) === 0, 10_000, `${server} to be gone`);
    return code;
  }

  freeze(server: string): Promise<void> {
    return this.#processesOf(server).freeze();
  }

  thaw(server: string): Promise<void> {
    return this.#processesOf(server).thaw();
  }

  stall(server: string, parts: readonly Part[]): Promise<void> {
    return this.#processesOf(server).stall(parts);
  }

  unstall(server: string, parts: readonly Part[]): Promise<void> {
    return this.#processesOf(server).unstall(parts);
  }

  async cut(server: string, how: 'drop' | 'reset'): Promise<string> {
    const relay = this.#relay(server);
    const silenced = relay.connections;
    relay.set(how);
    const seen = await this.#probe(server, 150);
    const wanted = how === 'drop' ? 'silence' : 'reset';
    if (seen !== wanted)
      throw new Error(`cut of ${server} had no effect: a new connection met ${seen}, not ${wanted}`);
    return `${silenced} connections ${how === 'drop' ? 'silenced' : 'reset'}, a new one meets ${seen}`;
  }

  async mend(server: string): Promise<string> {
    this.#relay(server).set('open');
    if ((await this.alive('storage')) === 0) return 'mended; the storage node is not running';
    const seen = await this.#probe(server, 2000);
    if (seen !== 'greeting')
      throw new Error(`the link of ${server} was mended, and yet a new connection met ${seen}`);
    return `a new connection meets the ${seen} of the storage node`;
  }

  async startStorage(): Promise<void> {
    const d = this.#directory;
    const listening = this.#lines.line(
      (line) => line.from === 'storage' && line.line.event === 'gate-started',
      20_000,
      'the storage node to listen',
    );
    const member = this.#member('storage');
    await member.start([
      ...[programs.arbiter, 'storage', '--listen', `${this.#addresses.storage}:${this.#access.port}`],
      ...['--quorum', join(d, 'quorum.img'), '--create-quorum', String(64 * 1024)],
      ...['--data', join(d, 'data.img'), '--create-data', String(this.#spec.dataBytes)],
      ...['--state', join(d, 'gate-state'), '--control', join(d, 'gate.sock')],
      ...this.#access.storageArguments(this.#secretFile),
      ...(this.#spec.gate.fencing ? [] : ['--no-fencing']),
    ]);
    const gone = member.exited.then(({ code }) =>
      Promise.reject(new Error(`the storage node ended with ${code}`)),
    );
    await Promise.race([listening, gone]);
  }

  async killStorage(): Promise<void> {
    await this.#kill('storage');
    await this.disk.letGo();
  }

  storageControl(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    return askUnixSocket(join(this.#directory, 'gate.sock'), method, path, body, 30_000);
  }

  async status(server: string): Promise<AgentStatus | undefined> {
    const answer = askUnixSocket(this.#statusSocket(server), 'GET', '/status', undefined, 1000);
    return (await answer.catch(() => undefined)) as AgentStatus | undefined;
  }

  async runInServer(server: string, argv: readonly string[]) {
    const [program = '', ...rest] = argv;
    const path = programs[program as keyof typeof programs] ?? program;
    const ran = await execa(process.execPath, [path, ...rest], {
      reject: false,
      timeout: 20_000,
      env: { [MARK]: `${this.#spec.labId}/${server}/visitor` },
    });
    return { code: ran.exitCode ?? 1, stdout: ran.stdout, stderr: ran.stderr };
  }

  agentFile(server: string): string {
    return join(this.#directory, `${server}.yaml`);
  }

  dataSocket(server: string): string {
    return join(this.#directory, server, 'data.sock');
  }

  storageUri(server: string): string {
    return this.#uris(this.peerAddress(server), server).data;
  }

  peerAddress(server: string): string {
    return this.#addresses.server(this.#indexOf(server));
  }

  async startClient(): Promise<void> {
    const argv = clientArguments(this.#spec, (server) => `${this.peerAddress(server)}:${SERVICE_PORT}`);
    await this.#member('client').start([programs.client, ...argv]);
  }

  async stopClient(): Promise<void> {
    await this.#stop('client');
  }

  async alive(server: string): Promise<number> {
    return (await this.#processesOf(server).alive()).length;
  }

  async collect(): Promise<void> {
    await this.#stop('storage');
    for (const each of this.#members.values()) await each.drain();
    for (const image of ['quorum.img', 'data.img']) {
      await copyFile(join(this.#directory, image), join(this.#spec.dir, image));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.#members.values()) member.wantEnd();
    await reapProcesses(this.#spec.labId);
    for (const member of this.#members.values()) {
      await member.exited;
      await member.close();
    }
    for (const relay of this.#relays.values()) await relay[Symbol.asyncDispose]();
    await this.#addresses[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
    this.#reaper.dismiss();
  }

  async #kill(name: string): Promise<void> {
    const member = this.#member(name);
    member.wantEnd();
    await this.#processesOf(name).kill();
    await member.exited;
  }

  /** SIGTERM to the program itself. Resolves with its exit code. */
  async #stop(name: string): Promise<number | null> {
    const member = this.#member(name);
    member.wantEnd();
    if (member.pid !== undefined) send(member.pid, 'SIGTERM');
    return (await member.exited).code;
  }

  #member(name: string): Member {
    let member = this.#members.get(name);
    if (member === undefined) {
      const mark = this.#mark(name);
      const onLine = (line: WorldLine) => this.#lines.deliver(line);
      const onEnd = (end: MemberEnd) => this.#spec.onEnd(end);
      member = new Member({ name, mark, directory: this.#directory, onLine, onEnd });
      this.#members.set(name, member);
    }
    return member;
  }

  #processesOf(name: string): MemberProcesses {
    let processes = this.#processes.get(name);
    if (processes === undefined) {
      processes = new MemberProcesses(name, this.#mark(name));
      this.#processes.set(name, processes);
    }
    return processes;
  }

  #mark(name: string): string {
    return `${this.#spec.labId}/${name}`;
  }

  #relay(server: string): Relay {
    const relay = this.#relays.get(server);
    if (relay === undefined) throw new Error(`no server is called ${server}`);
    return relay;
  }

  #indexOf(server: string): number {
    const index = this.#spec.servers.indexOf(server);
    if (index < 0) throw new Error(`no server is called ${server}`);
    return index;
  }

  async #brake(argv: readonly string[]): Promise<string> {
    const env = { [MARK]: `${this.#mark('storage')}/visitor` };
    const { exitCode, stdout, stderr } = await execa(programs.brake, argv, {
      reject: false,
      timeout: 10_000,
      env,
    });
    if (exitCode !== 0) throw new Error(`brake ${argv[0]} ended with ${exitCode}: ${stderr.trim()}`);
    return stdout;
  }

  #uris(host: string, node: string): AreaUris {
    return this.#access.uris(host, this.#secretFile, node);
  }

  #probe(server: string, waitMs: number): Promise<Met> {
    return probeLink(this.peerAddress(server), this.#access.port, waitMs, this.#access.hello);
  }

  get #secretFile(): string {
    return join(this.#directory, 'secret');
  }

  #statusSocket(server: string): string {
    return join(this.#directory, `${server}.sock`);
  }
}
