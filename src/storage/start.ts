import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { NBD_ERROR } from '../wire/nbd/constants.ts';
import { type Areas, type Backend, openAreas } from './areas.ts';
import type { Audit } from './audit.ts';
import { createControl } from './control.ts';
import type { Disk } from './disk.ts';
import { Gate } from './gate.ts';
import { ensureStateDirectory, GrantFile, type GrantStore, type Kept } from './grant-store.ts';
import { type ImageFile, openImage, openToRead } from './image-file.ts';
import { lastGrant } from './last-grant.ts';
import { type ListenAddress, listenOn } from './listen.ts';
import { lock } from './lock.ts';
import { gateTls, type GateTlsOptions } from './tls.ts';
import type { Patience } from './patience.ts';
import { StorageUnusable, systemReason } from './unusable.ts';

export interface StorageOptions {
  listen: readonly ListenAddress[];
  quorumFile: string;
  dataFile: string;
  /** Sizes of the files to be made where there are none. */
  createQuorumBytes?: number;
  createDataBytes?: number;
  /** Directory for the last grant. */
  stateDir: string;
  /** Path of the control socket; none when left out. */
  controlSocket?: string;
  fencing: boolean;
  /** Who reads and writes the files: this process, or an nbdkit for each. `file` when left out. */
  backend?: Backend;
  /** Where it is not the `nbdkit` in PATH: for tests. */
  nbdkitProgram?: string;
  /** Serves both areas for reading alone, as after an incident; neither file is opened for writing. */
  readOnly?: boolean;
  /** Clients are talked to in plain when left out. */
  tls?: GateTlsOptions;
  /** How long to wait for a former storage process to end. */
  lockWaitMs: number;
  audit: Audit;
  onTrouble(line: string): void;
  /** Abandons the start. */
  signal?: AbortSignal;
  /** Puts something between the gate and its data file: a slow disk, for tests. */
  throughDisk?(data: Disk): Disk;
  /** How long clients are waited for: for tests. */
  patience?: Patience;
  /** Keeps grants elsewhere than in `stateDir`: for tests. */
  store?: GrantStore;
}

export interface RunningStorage {
  /** Where it listens, in words, in the order of `listen`. */
  readonly listening: readonly string[];
  readonly gate: Gate;
  /** Stops accepting, answers what is under way (up to `withinMs`), lets go of the files. */
  stop(reason: string, withinMs: number): Promise<void>;
}

/** What a start that fails has to take back, the last first. */
type Undo = () => unknown;

/**
 * Starts a storage node. Until it listens nobody is admitted, and it does not listen before it holds the locks (every
 * process from before is gone), has its last grant and has read the record. Rejects with StorageUnusable, with nothing
 * left open.
 */
export async function startStorage(options: StorageOptions): Promise<RunningStorage> {
  const undo: Undo[] = [];
  try {
    return await start(options, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

async function start(options: StorageOptions, undo: Undo[]): Promise<RunningStorage> {
  const { audit, fencing, readOnly = false, onTrouble, signal } = options;
  const tls = options.tls === undefined ? null : gateTls(options.tls, onTrouble);
  const keep = <T extends { fd: number }>(file: T): T => {
    undo.push(() => closeSync(file.fd));
    return file;
  };
  const open = readOnly ? openToRead : openImage;
  const data = keep(open('data', options.dataFile, options.createDataBytes));
  const quorum = keep(open('quorum', options.quorumFile, options.createQuorumBytes));
  if (sameFile(data, quorum)) {
    throw new StorageUnusable(`storage: the quorum and the data area are one file: ${data.path}`);
  }
  await ensureStateDirectory(options.stateDir);
  const state = keep(openDirectory(options.stateDir));
  for (const { fd, path } of [data, quorum, state]) await lock(fd, path, options.lockWaitMs, signal);

  const store = options.store ?? new GrantFile(options.stateDir);
  const kept = fencing ? await lastGrant(store, quorum, onTrouble) : NOTHING_KEPT;
  const { granted, floor } = kept;
  const areas = await openAreas(quorum, data, { ...options, readOnly, granted });
  undo.push(() => areas.close(0));
  const fenceData = (epoch: number): Promise<void> => areas.fenceData(epoch);
  const { quorum: quorumDisk, data: dataDisk } = areas;
  const disks = { quorum: quorumDisk, data: options.throughDisk?.(dataDisk) ?? dataDisk };
  const waits = options.patience === undefined ? {} : { patience: options.patience };
  const rights = { store, kept, fencing, readOnly };
  const gate = new Gate({ ...disks, ...rights, fenceData, tls, audit, onTrouble, ...waits });
  areas.onLost((area, reason) => gate.lost(area, reason));
  await readFirst(gate, quorum);

  const servers: Server[] = [];
  const listening: string[] = [];
  const listen = async (server: Server, address: ListenAddress): Promise<string> => {
    const where = await listenOn(server, address);
    server.on('error', (error) => onTrouble(`storage: ${where}: ${systemReason(error)}`));
    undo.push(() => server.close());
    servers.push(server);
    return where;
  };
  const door = new Door(gate);
  if (options.controlSocket !== undefined) {
    const control = createControl({ rules: gate.rules, status: () => gate.status(), errorNames: ERRORS });
    await listen(control, { kind: 'unix', path: options.controlSocket });
  }
  for (const address of options.listen) {
    const server = createServer({ allowHalfOpen: true }, (socket) =>
      door.knock(socket, peerOf(socket, address)),
    );
    listening.push(await listen(server, address));
  }
  const grants = { granted, ...(floor > 0 ? { floor } : {}) };
  audit.write({
    event: 'gate-started',
    pid: process.pid,
    fencing,
    ...grants,
    listen: listening.join(','),
  });
  door.open();
  return {
    listening,
    gate,
    stop: stopper({ gate, servers, areas, fds: [data.fd, quorum.fd, state.fd] }, audit),
  };
}

/** Who comes before everything listens waits, so that the audit begins with the start of the gate. */
class Door {
  readonly #gate: Gate;
  #early: { socket: Socket; peer: string }[] | null = [];

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  knock(socket: Socket, peer: string): void {
    if (this.#early === null) this.#gate.accept(socket, peer);
    else this.#early.push({ socket, peer });
  }

  open(): void {
    const early = this.#early ?? [];
    this.#early = null;
    for (const { socket, peer } of early) this.#gate.accept(socket, peer);
  }
}

/** How long a server process that has nothing left to do may take to end. */
const LEAVE_WITHIN_MS = 1000;

/** Without fencing there are no grants. */
const NOTHING_KEPT: Kept = { granted: null, floor: 0, clusterId: null };

const ERRORS = Object.keys(NBD_ERROR);

interface Stopped {
  gate: Gate;
  servers: readonly Server[];
  areas: Areas;
  fds: readonly number[];
}

function stopper({ gate, servers, areas, fds }: Stopped, audit: Audit) {
  return async (reason: string, withinMs: number): Promise<void> => {
    for (const server of servers) {
      server.close();
      if ('closeAllConnections' in server) (server as { closeAllConnections(): void }).closeAllConnections();
    }
    await gate.stop(withinMs);
    await areas.close(gate.quiet ? LEAVE_WITHIN_MS : 0);
    audit.write({ event: 'gate-stopped', reason });
    // What is still under way keeps its file: a descriptor that was closed could be another file's by then.
    if (gate.quiet) for (const fd of fds) closeSync(fd);
  };
}

async function readFirst(gate: Gate, quorum: ImageFile): Promise<void> {
  try {
    await gate.start();
  } catch (error) {
    throw new StorageUnusable(`storage: quorum file ${quorum.path}: ${systemReason(error)}`, {
      cause: error,
    });
  }
}

function sameFile(a: { fd: number }, b: { fd: number }): boolean {
  const [one, other] = [fstatSync(a.fd), fstatSync(b.fd)];
  return one.dev === other.dev && one.ino === other.ino;
}

function openDirectory(path: string): { fd: number; path: string } {
  try {
    return { fd: openSync(path, constants.O_RDONLY | constants.O_DIRECTORY), path };
  } catch (error) {
    throw new StorageUnusable(`storage: state directory ${path}: ${systemReason(error)}`, { cause: error });
  }
}

/** The address alone: a client's port says nothing, and connections have numbers. */
function peerOf(socket: Socket, address: ListenAddress): string {
  if (address.kind === 'unix') return 'unix';
  return socket.remoteAddress?.replace(/^::ffff:/, '') ?? 'gone';
}
