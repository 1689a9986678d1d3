import { execa } from 'execa';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { AgentStatus } from '../../../src/ports/status.ts';
import type { Part, World, WorldLine, WorldSpec } from '../engine.ts';
import { askUnixSocket } from '../../control/ask.ts';
import { initArguments, LineWaiter } from '../bring-up.ts';
import { programs } from '../programs.ts';
import { type LabAddresses, NBD_PORT, SERVICE_PORT } from './addresses.ts';
import { marked, MARK, partOf, send, signalUntil } from './marked-processes.ts';
import { Member } from './member.ts';
import { probeLink } from './probe-link.ts';
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
  readonly #stalledParts = new Map<string, Set<Part>>();
  readonly #lines: LineWaiter;

  constructor(spec: WorldSpec, directory: string, reaper: Reaper, addresses: LabAddresses) {
    this.#spec = spec;
    this.#directory = directory;
    this.#reaper = reaper;
    this.#addresses = addresses;
    this.#lines = new LineWaiter((line) => spec.onLine(line));
  }

  async bringUp(): Promise<void> {
    await this.startStorage();
    const init = initArguments(`nbd://${this.#addresses.storage}:${NBD_PORT}/quorum`, this.#spec);
    const { exitCode, stderr } = await execa(process.execPath, [programs.arbiter, ...init], {
      reject: false,
      timeout: 20_000,
    });
    if (exitCode !== 0) throw new Error(`arbiter init ended with ${exitCode}: ${stderr.trim()}`);
    for (const server of this.#spec.servers) {
      const host = this.peerAddress(server);
      const to = { host: this.#addresses.storage, port: NBD_PORT, localAddress: host };
      this.#relays.set(server, await Relay.open({ listen: { host, port: NBD_PORT }, to }));
    }
  }

  async startServer(server: string): Promise<void> {
    const state = join(this.#directory, server);
    await mkdir(state, { recursive: true });
    const host = this.peerAddress(server);
    const service = [
      process.execPath,
      programs.ledger,
      '--listen',
      `${host}:${SERVICE_PORT}`,
      '--beat-ms',
      '50',
    ];
    const { protocol, fencing, guard } = this.#spec.agent;
    const agent = {
      node: server,
      quorum: `${this.storageUri(server)}/quorum`,
      data: this.storageUri(server),
      protocol,
      fencing,
      guard,
      unsafe: protocol === 'literal' || fencing === 'none' || !guard,
      service: { command: service },
      status: `unix:${this.#statusSocket(server)}`,
      state,
    };
    await writeFile(this.agentFile(server), stringify(agent));
    await this.#member(server).start([programs.arbiter, 'run', '-c', this.agentFile(server)]);
  }

  async killServer(server: string): Promise<void> {
    await signalUntil(
      () => this.#processes(server),
      'SIGKILL',
      () => false,
    );
    this.#stalledParts.delete(server);
    await this.#member(server).drain();
  }

  async stopServer(server: string): Promise<number | null> {
    const member = this.#member(server);
    if (member.pid !== undefined) send(member.pid, 'SIGTERM');
    const { code } = await member.exited;
    await this.#lines.until(async () => (await this.alive(server)) === 0, 10_000, `${server} to be gone`);
    await member.drain();
    return code;
  }

  async freeze(server: string): Promise<void> {
    await signalUntil(
      () => this.#processes(server),
      'SIGSTOP',
      (p) => p.state === 'T',
    );
  }

  /** Parts that are stalled stay so: the freezer and SIGSTOP are two things, and a thaw undoes one of them. */
  async thaw(server: string): Promise<void> {
    const stalled = this.#stalled(server);
    for (const p of await this.#processes(server)) if (!stalled.has(partOf(p))) send(p.pid, 'SIGCONT');
  }

  async stall(server: string, parts: readonly Part[]): Promise<void> {
    const find = async () => (await this.#processes(server)).filter((p) => parts.includes(partOf(p)));
    if ((await find()).length === 0)
      throw new Error(`${server} has no process that is ${parts.join(' or ')}`);
    for (const part of parts) this.#stalled(server).add(part);
    await signalUntil(find, 'SIGSTOP', (p) => p.state === 'T');
  }

  async unstall(server: string, parts: readonly Part[]): Promise<void> {
    for (const part of parts) this.#stalled(server).delete(part);
    for (const p of await this.#processes(server)) if (parts.includes(partOf(p))) send(p.pid, 'SIGCONT');
  }

  async cut(server: string, how: 'drop' | 'reset'): Promise<string> {
    const relay = this.#relay(server);
    const silenced = relay.connections;
    relay.set(how);
    const seen = await probeLink(this.peerAddress(server), NBD_PORT, 150);
    const wanted = how === 'drop' ? 'silence' : 'reset';
    if (seen !== wanted)
      throw new Error(`cut of ${server} had no effect: a new connection met ${seen}, not ${wanted}`);
    return `${silenced} connections ${how === 'drop' ? 'silenced' : 'reset'}, a new one meets ${seen}`;
  }

  async mend(server: string): Promise<void> {
    this.#relay(server).set('open');
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
      ...[programs.arbiter, 'storage', '--listen', `${this.#addresses.storage}:${NBD_PORT}`],
      ...['--quorum', join(d, 'quorum.img'), '--create-quorum', String(64 * 1024)],
      ...['--data', join(d, 'data.img'), '--create-data', String(this.#spec.dataBytes)],
      ...['--state', join(d, 'gate-state'), '--control', join(d, 'gate.sock')],
      ...(this.#spec.gate.fencing ? [] : ['--no-fencing']),
    ]);
    const gone = member.exited.then(({ code }) =>
      Promise.reject(new Error(`the storage node ended with ${code}`)),
    );
    await Promise.race([listening, gone]);
  }

  async killStorage(): Promise<void> {
    await signalUntil(
      () => this.#processes('storage'),
      'SIGKILL',
      () => false,
    );
    await this.#member('storage').drain();
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

  storageUri(server: string): string {
    return `nbd://${this.peerAddress(server)}:${NBD_PORT}`;
  }

  peerAddress(server: string): string {
    return this.#addresses.server(this.#spec.servers.indexOf(server));
  }

  async startClient(): Promise<void> {
    const { workers, thinkMs, seed } = this.#spec.client;
    const servers = this.#spec.servers.map((s) => `${s}=${this.peerAddress(s)}:${SERVICE_PORT}`).join(',');
    const argv = ['--servers', servers, '--workers', workers, '--think-ms', thinkMs, '--seed', seed];
    await this.#member('client').start([programs.client, ...argv.map(String)]);
  }

  async stopClient(): Promise<void> {
    const member = this.#members.get('client');
    if (member?.pid === undefined) return;
    send(member.pid, 'SIGTERM');
    await member.exited;
    await member.drain();
  }

  async alive(server: string): Promise<number> {
    return (await this.#processes(server)).length;
  }

  async collect(): Promise<void> {
    const member = this.#member('storage');
    if (member.pid !== undefined) send(member.pid, 'SIGTERM');
    await member.exited;
    for (const each of this.#members.values()) await each.drain();
    for (const image of ['quorum.img', 'data.img']) {
      await copyFile(join(this.#directory, image), join(this.#spec.dir, image));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await reapProcesses(this.#spec.labId);
    for (const member of this.#members.values()) await member.close();
    for (const relay of this.#relays.values()) await relay[Symbol.asyncDispose]();
    await this.#addresses[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
    this.#reaper.dismiss();
  }

  /** Visitors (deliberate trespass) carry a mark below the server's and are not part of it. */
  async #processes(member: string) {
    const mark = `${this.#spec.labId}/${member}`;
    return (await marked(mark)).filter((p) => p.mark === mark);
  }

  #member(name: string): Member {
    let member = this.#members.get(name);
    if (member === undefined) {
      const mark = `${this.#spec.labId}/${name}`;
      const onLine = (line: WorldLine) => this.#lines.deliver(line);
      member = new Member({ name, mark, directory: this.#directory, onLine });
      this.#members.set(name, member);
    }
    return member;
  }

  #stalled(server: string): Set<Part> {
    let parts = this.#stalledParts.get(server);
    if (parts === undefined) this.#stalledParts.set(server, (parts = new Set()));
    return parts;
  }

  #relay(server: string): Relay {
    const relay = this.#relays.get(server);
    if (relay === undefined) throw new Error(`no server is called ${server}`);
    return relay;
  }

  #statusSocket(server: string): string {
    return join(this.#directory, `${server}.sock`);
  }
}
