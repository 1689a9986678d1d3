import { closeSync } from 'node:fs';
import { NBD_ERROR } from '../wire/nbd/constants.ts';
import { type Areas, type Backend, openAreas } from './areas.ts';
import type { Audit } from './audit.ts';
import type { Disk } from './disk.ts';
import { Entrances } from './entrances.ts';
import { Gate } from './gate.ts';
import { GrantFile, type GrantStore, type Kept } from './grant-store.ts';
import type { ImageFile } from './image-file.ts';
import { lastGrant } from './last-grant.ts';
import type { ListenAddress } from './listen.ts';
import { closeFiles, type FileOptions, type LockedFiles, openLocked } from './locked-files.ts';
import type { RuleWords } from './rule-spec.ts';
import { gateTls, type GateTlsOptions } from './tls.ts';
import type { Patience } from './patience.ts';
import { StorageUnusable, systemReason } from './unusable.ts';
import { orUndone, type Undo } from './undo.ts';

export interface StorageOptions extends FileOptions {
  listen: readonly ListenAddress[];
  /** Path of the control socket; none when left out. */
  controlSocket?: string;
  fencing: boolean;
  /** Who reads and writes the files: this process, or an nbdkit for each. `file` when left out. */
  backend?: Backend;
  /** Where it is not the `nbdkit` in PATH: for tests. */
  nbdkitProgram?: string;
  /** Clients are talked to in plain when left out. */
  tls?: GateTlsOptions;
  audit: Audit;
  onTrouble(line: string): void;
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

/**
 * Starts a storage node. Until it listens nobody is admitted, and it does not listen before it holds the locks (every
 * process from before is gone), has its last grant and has read the record. Rejects with StorageUnusable, with nothing
 * left open.
 */
export function startStorage(options: StorageOptions): Promise<RunningStorage> {
  return orUndone((undo) => start(options, undo));
}

async function start(options: StorageOptions, undo: Undo[]): Promise<RunningStorage> {
  const { audit, fencing, readOnly = false, onTrouble } = options;
  const tls = options.tls === undefined ? null : gateTls(options.tls, onTrouble);
  const files = await openLocked(options, (fd) => undo.push(() => closeSync(fd)));
  const { quorum, data } = files;

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

  const entrances = new Entrances(onTrouble);
  undo.push(() => entrances.close());
  if (options.controlSocket !== undefined) {
    const endConnection = (id: number): boolean => gate.endConnection(id);
    const controlled = { rules: gate.rules, status: () => gate.status(), words: WORDS, endConnection };
    await entrances.control(controlled, options.controlSocket);
  }
  const listening: string[] = [];
  for (const address of options.listen) listening.push(await entrances.listen(address));
  const grants = { granted, ...(floor > 0 ? { floor } : {}) };
  const listen = listening.join(',');
  audit.write({ event: 'gate-started', pid: process.pid, fencing, ...grants, listen });
  entrances.open((socket, peer) => gate.accept(socket, peer));
  return { listening, gate, stop: stopper({ gate, entrances, areas, files }, audit) };
}

/** How long a server process that has nothing left to do may take to end. */
const LEAVE_WITHIN_MS = 1000;

/** Without fencing there are no grants. */
const NOTHING_KEPT: Kept = { granted: null, floor: 0, clusterId: null };

const WORDS: RuleWords = { operations: ['read', 'write', 'flush'], errorNames: Object.keys(NBD_ERROR) };

interface Stopped {
  gate: Gate;
  entrances: Entrances;
  areas: Areas;
  files: LockedFiles;
}

function stopper({ gate, entrances, areas, files }: Stopped, audit: Audit) {
  return async (reason: string, withinMs: number): Promise<void> => {
    entrances.close();
    await gate.stop(withinMs);
    await areas.close(gate.quiet ? LEAVE_WITHIN_MS : 0);
    audit.write({ event: 'gate-stopped', reason });
    // What is still under way keeps its file: a descriptor that was closed could be another file's by then.
    if (gate.quiet) closeFiles(files);
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
