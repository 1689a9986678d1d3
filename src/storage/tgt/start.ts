import { closeSync } from 'node:fs';
import type { Audit } from '../audit.ts';
import { Entrances } from '../entrances.ts';
import { GrantFile, type Kept } from '../grant-store.ts';
import { lastGrant } from '../last-grant.ts';
import type { ListenAddress } from '../listen.ts';
import { closeFiles, type FileOptions, openLocked } from '../locked-files.ts';
import { readChap } from './chap-secret.ts';
import { Tap } from './tap.ts';
import { TgtServer } from './tgt-server.ts';
import { unitIds } from './unit-ids.ts';

export interface TgtStorageOptions extends FileOptions {
  listen: readonly ListenAddress[];
  /** Path of the control socket; none when left out. */
  controlSocket?: string;
  fencing: boolean;
  /** Everybody may log in when left out. */
  chap?: { user: string; secretFile: string };
  /** Where it is not the `tgtd` in PATH: for tests. */
  tgtdProgram?: string;
  audit: Audit;
  onTrouble(line: string): void;
}

export interface RunningTgtStorage {
  /** Where it listens, in words, in the order of `listen`. */
  readonly listening: readonly string[];
  /** Stops accepting, lets answers that are under way come (up to `withinMs`), ends tgtd, lets go of the files. */
  stop(reason: string, withinMs: number): Promise<void>;
}

/** Without fencing there are no grants. */
const NOTHING_KEPT: Kept = { granted: null, floor: 0, clusterId: null };

/** What a start that fails has to take back, the last first. */
type Undo = () => unknown;

/**
 * Starts a storage node that speaks iSCSI: tgtd on loopback, and in front of it the tap, which is what clients reach.
 * Rejects with StorageUnusable, with nothing left open and no process left.
 */
export async function startTgtStorage(options: TgtStorageOptions): Promise<RunningTgtStorage> {
  const undo: Undo[] = [];
  try {
    return await start(options, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

async function start(options: TgtStorageOptions, undo: Undo[]): Promise<RunningTgtStorage> {
  const { audit, fencing, readOnly = false, onTrouble, tgtdProgram: program = 'tgtd' } = options;
  const chap = options.chap === undefined ? null : readChap(options.chap.user, options.chap.secretFile);
  const files = await openLocked(options, (fd) => undo.push(() => closeSync(fd)));
  const { data, quorum, state } = files;
  const store = new GrantFile(options.stateDir);
  const kept = fencing ? await lastGrant(store, quorum, onTrouble) : NOTHING_KEPT;
  const { granted, floor } = kept;
  const ids = await unitIds(options.stateDir);

  const tap = new Tap({ upstreamPort: () => server.port });
  const server: TgtServer = new TgtServer({
    ...{ program, audit, onTrouble, stateDir: options.stateDir, stateFd: state.fd },
    ...{ quorumFd: quorum.fd, dataFd: data.fd, target: { ids, readOnly, chap } },
    onFresh: () => undefined,
    onLost: (reason) => tap.lost(reason),
  });
  undo.push(() => server.close());
  await server.open();

  const entrances = new Entrances(onTrouble);
  undo.push(() => entrances.close());
  const listening: string[] = [];
  for (const address of options.listen) listening.push(await entrances.listen(address));
  const grants = { granted, ...(floor > 0 ? { floor } : {}) };
  const listen = listening.join(',');
  audit.write({ event: 'gate-started', pid: process.pid, fencing, ...grants, listen });
  entrances.open((socket) => tap.accept(socket));
  return {
    listening,
    stop: async (reason) => {
      entrances.close();
      tap.stop();
      await server.close();
      audit.write({ event: 'gate-stopped', reason });
      closeFiles(files);
    },
  };
}
