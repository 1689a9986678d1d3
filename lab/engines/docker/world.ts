import type Docker from 'dockerode';
import { execa } from 'execa';
import type { AgentStatus } from '../../../src/ports/status.ts';
import { agentConfig, clientArguments, initArguments, ledgerArguments, LineWaiter } from '../bring-up.ts';
import { DiskBrake } from '../disk-brake.ts';
import type { MemberEnd, Part, World, WorldLine, WorldSpec } from '../engine.ts';
import { programs } from '../programs.ts';
import { ADMIN, type AreaUris, type StorageAccess, storageAccess } from '../storage-access.ts';
import { ask } from './ask.ts';
import { runBrake } from './brake.ts';
import { LabContainer } from './container.ts';
import { labelsFor, nameFor } from './labels.ts';
import { Link } from './link.ts';
import { createNetworks, joinNetwork } from './networks.ts';
import { reap, type ReaperProcess } from './reaper.ts';
import { Server } from './server.ts';
import {
  addresses,
  clientOptions,
  type ContainerOptions,
  DATA,
  holderOptions,
  inImage,
  type Networks,
  RUN,
  SECRET_FILE,
  serverOptions,
  SERVICE_PORT,
  storageOptions,
} from './topology.ts';
import { within } from './within.ts';

const CONTROL = `${RUN}/control.sock`;
const QUORUM_BYTES = 64 * 1024;

/** A lab of containers: one for the storage node, one for the client, two for every server. */
export class DockerWorld implements World {
  readonly engine = 'docker';
  readonly #docker: Docker;
  readonly #spec: WorldSpec;
  readonly #image: string;
  readonly #reaper: ReaperProcess;
  readonly #lines: LineWaiter;
  readonly #access: StorageAccess;
  readonly disk: DiskBrake;
  readonly #servers = new Map<string, Server>();
  readonly #links = new Map<string, Link>();
  readonly #containers: LabContainer[] = [];
  #networks: Networks | undefined;
  #storage: Server | undefined;
  #client: LabContainer | undefined;

  constructor(docker: Docker, spec: WorldSpec, image: string, reaper: ReaperProcess) {
    this.#docker = docker;
    this.#spec = spec;
    this.#image = image;
    this.#reaper = reaper;
    this.#lines = new LineWaiter((line) => {
      this.disk.learn(line);
      spec.onLine(line);
    });
    this.disk = new DiskBrake(`${DATA}/data.img`, (argv) =>
      runBrake(this.#server('storage').container, argv),
    );
    this.#access = storageAccess(spec.storage, spec.servers);
  }

  async bringUp(): Promise<void> {
    const networks = await createNetworks(this.#docker, this.#spec.labId);
    this.#networks = networks;
    await Promise.all([
      this.#bringUpStorage(networks),
      this.#createClient(networks),
      ...this.#spec.servers.map((server, index) => this.#createServer(networks, server, index)),
    ]);
  }

  startServer(server: string): Promise<void> {
    return this.#server(server).start();
  }

  killServer(server: string): Promise<void> {
    return this.#server(server).kill();
  }

  stopServer(server: string): Promise<number | null> {
    return this.#server(server).stop();
  }

  freeze(server: string): Promise<void> {
    return this.#server(server).freeze();
  }

  thaw(server: string): Promise<void> {
    return this.#server(server).thaw();
  }

  stall(server: string, parts: readonly Part[]): Promise<void> {
    return this.#server(server).stall(parts);
  }

  unstall(server: string, parts: readonly Part[]): Promise<void> {
    return this.#server(server).unstall(parts);
  }

  cut(server: string, how: 'drop' | 'reset'): Promise<string> {
    return this.#link(server).cut(how);
  }

  mend(server: string): Promise<string> {
    return this.#link(server).mend(this.#storage?.container.running === true);
  }

  async startStorage(): Promise<void> {
    const storage = this.#server('storage');
    const listens = (line: WorldLine) => line.from === 'storage' && line.line.event === 'gate-started';
    const listening = this.#lines.line(listens, 20_000, 'the storage node to listen');
    listening.catch(() => {}); // told below, unless something else went wrong first
    await storage.start();
    const gone = storage.container.exited.then((code) => {
      throw new Error(`the storage node ended with exit code ${code}${storage.container.lastWords()}`);
    });
    gone.catch(() => {}); // it may end whenever it likes once it has listened
    await Promise.race([listening, gone]);
  }

  killStorage(): Promise<void> {
    return this.#server('storage').kill();
  }

  async storageControl(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    const answer = await ask(this.#server('storage').container, CONTROL, method, path, body, 30_000);
    if (answer.status >= 400)
      throw new Error(`${method} ${path}: ${JSON.stringify(answer.body ?? answer.status)}`);
    return answer.body;
  }

  status(server: string): Promise<AgentStatus | undefined> {
    return this.#server(server).status();
  }

  runInServer(
    server: string,
    argv: readonly string[],
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const [program = '', ...rest] = argv;
    const path = programs[program as keyof typeof programs] ?? program;
    return this.#server(server).container.exec(['node', inImage(path), ...rest], 20_000);
  }

  agentFile(_server: string): string {
    return `${RUN}/agent.yaml`;
  }

  dataSocket(_server: string): string {
    return `${RUN}/state/data.sock`;
  }

  storageUri(server: string): string {
    return this.#uris(server).data;
  }

  peerAddress(server: string): string {
    return addresses.server(this.#up(), 'storage', this.#indexOf(server));
  }

  async startClient(): Promise<void> {
    await this.#clientContainer().start();
  }

  async stopClient(): Promise<void> {
    const client = this.#clientContainer();
    await client.kill('SIGTERM');
    await client.ended(20_000);
  }

  alive(server: string): Promise<number> {
    return this.#server(server).alive();
  }

  async collect(): Promise<void> {
    const storage = this.#server('storage');
    await storage.stop();
    for (const image of ['quorum.img', 'data.img']) {
      const archive = await storage.container.archive(`${DATA}/${image}`);
      const copy = execa('tar', ['-x', '--no-same-owner', '-C', this.#spec.dir], { input: archive as never });
      await within(60_000, `copying ${image} out of ${storage.container.name}`, copy);
    }
  }

  /** May be called again; removes by label, so also what a failed `bringUp` left half made. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.#links.values()) link.release();
    for (const container of this.#containers) container.expectEnd();
    await reap({ labId: this.#spec.labId }, this.#docker);
    // Their output ends with them; what they said last is part of the history.
    await Promise.all(this.#containers.map((container) => container.ended(10_000).catch(() => {})));
    this.#reaper.dismiss();
  }

  async #bringUpStorage(networks: Networks): Promise<void> {
    const { labId, dataBytes, gate } = this.#spec;
    const volume = nameFor(labId, 'data');
    await this.#docker.createVolume({ Name: volume, Labels: labelsFor(labId, 'volume') });
    const options = storageOptions(this.#common(), volume, networks, [
      ...['node', inImage(programs.arbiter), 'storage', '--listen', `0.0.0.0:${this.#access.port}`],
      ...['--quorum', `${DATA}/quorum.img`, '--create-quorum', String(QUORUM_BYTES)],
      ...['--data', `${DATA}/data.img`, '--create-data', String(dataBytes)],
      ...['--state', `${DATA}/state`, '--control', CONTROL],
      ...this.#access.storageArguments(SECRET_FILE),
      ...(gate.fencing ? [] : ['--no-fencing']),
    ]);
    this.#storage = new Server(await this.#create('storage', options));
    this.#servers.set('storage', this.#storage);
    await this.startStorage();
    const init = initArguments(this.#uris(ADMIN).quorum, this.#spec);
    const { code, stderr } = await this.#storage.container.exec(
      ['node', inImage(programs.arbiter), ...init],
      20_000,
    );
    if (code !== 0) throw new Error(`arbiter init ended with ${code}: ${stderr.trim()}`);
  }

  async #createServer(networks: Networks, server: string, index: number): Promise<void> {
    const holder = await this.#create(
      `${server}-net`,
      holderOptions(this.#common(), server, networks, index),
    );
    const address = addresses.server(networks, 'service', index);
    await joinNetwork(this.#docker, networks.service.id, holder, address);
    await holder.start();
    const agent = ['node', inImage(programs.arbiter), 'run', '-c', this.agentFile(server)];
    const options = serverOptions(this.#common(), server, holder.id, this.#agentConfig(server), agent);
    this.#servers.set(server, new Server(await this.#create(server, options)));
    this.#links.set(server, new Link(holder, addresses.storage(networks), this.#access.port));
  }

  #agentConfig(server: string): unknown {
    const service = ['node', inImage(programs.ledger), ...ledgerArguments(`0.0.0.0:${SERVICE_PORT}`)];
    const own = { node: server, service, status: `${RUN}/status.sock`, state: `${RUN}/state` };
    return agentConfig(this.#spec, { ...this.#uris(server), ...own });
  }

  async #createClient(networks: Networks): Promise<void> {
    const argv = clientArguments(
      this.#spec,
      (_, index) => `${addresses.server(networks, 'service', index)}:${SERVICE_PORT}`,
    );
    const options = clientOptions(this.#common(), networks, ['node', inImage(programs.client), ...argv]);
    this.#client = await this.#create('client', options);
  }

  async #create(who: string, options: ContainerOptions): Promise<LabContainer> {
    const listener = {
      onLine: (line: WorldLine) => this.#lines.deliver(line),
      onEnd: (end: MemberEnd) => this.#spec.onEnd(end),
    };
    const container = await LabContainer.create(this.#docker, who, options, listener);
    this.#containers.push(container);
    return container;
  }

  #uris(node: string): AreaUris {
    return this.#access.uris(addresses.storage(this.#up()), SECRET_FILE, node);
  }

  #common() {
    return { labId: this.#spec.labId, image: this.#image, secret: this.#access.secret };
  }

  #up(): Networks {
    if (this.#networks === undefined) throw new Error('the lab is not up');
    return this.#networks;
  }

  #server(name: string): Server {
    const server = this.#servers.get(name);
    if (server === undefined) throw new Error(`no server is called ${name}`);
    return server;
  }

  #link(name: string): Link {
    const link = this.#links.get(name);
    if (link === undefined) throw new Error(`no server is called ${name}`);
    return link;
  }

  #clientContainer(): LabContainer {
    if (this.#client === undefined) throw new Error('the lab is not up');
    return this.#client;
  }

  #indexOf(server: string): number {
    const index = this.#spec.servers.indexOf(server);
    if (index < 0) throw new Error(`no server is called ${server}`);
    return index;
  }
}
