import { closeSync } from 'node:fs';
import type { Audit } from '../audit.ts';
import { Entrances } from '../entrances.ts';
import type { Grant } from '../../ports/audit.ts';
import { GrantFile } from '../grant-store.ts';
import type { ImageFile } from '../image-file.ts';
import { lastGrant } from '../last-grant.ts';
import type { ListenAddress } from '../listen.ts';
import { closeFiles, type FileOptions, openLocked } from '../locked-files.ts';
import type { Patience } from '../patience.ts';
import type { RuleWords } from '../rule-spec.ts';
import { StorageUnusable, systemReason } from '../unusable.ts';
import { readChap } from './chap-secret.ts';
import { DataUnit } from './data-unit.ts';
import { FAILURES } from './failures.ts';
import { QuorumRecord } from './quorum-record.ts';
import { Tap } from './tap.ts';
import { TgtServer } from './tgt-server.ts';
import { unitIds } from './unit-ids.ts';
import { orUndone, type Undo } from '../undo.ts';

export interface TgtStorageOptions extends FileOptions {
  listen: readonly ListenAddress[];
  /** Path of the control socket; none when left out. */
  controlSocket?: string;
  fencing: boolean;
  /** Everybody may log in when left out. */
  chap?: { user: string; secretFile: string };
  /** Where it is not the `tgtd` in PATH: for tests. */
  tgtdProgram?: string;
  /** How long clients are waited for: for tests. */
  patience?: Patience;
  audit: Audit;
  onTrouble(line: string): void;
}

export interface RunningTgtStorage {
  /** Where it listens, in words, in the order of `listen`. */
  readonly listening: readonly string[];
  /** Stops accepting, lets answers that are under way come (up to `withinMs`), ends tgtd, lets go of the files. */
  stop(reason: string, withinMs: number): Promise<void>;
}

/**
 * Starts a storage node that speaks iSCSI: tgtd on loopback, and in front of it the tap, which is what clients reach.
 * Rejects with StorageUnusable, with nothing left open and no process left.
 */
export function startTgtStorage(options: TgtStorageOptions): Promise<RunningTgtStorage> {
  return orUndone((undo) => start(options, undo));
}

async function start(options: TgtStorageOptions, undo: Undo[]): Promise<RunningTgtStorage> {
  const { audit, fencing, readOnly = false, onTrouble, tgtdProgram: program = 'tgtd' } = options;
  const chap = options.chap === undefined ? null : readChap(options.chap.user, options.chap.secretFile);
  const files = await openLocked(options, (fd) => undo.push(() => closeSync(fd)));
  const { data, quorum, state } = files;
  const store = new GrantFile(options.stateDir);
  const granted = fencing ? await grantedLast(store, quorum, onTrouble) : null;
  const ids = await unitIds(options.stateDir);

  const record = await recordIn(quorum);
  const unit = new DataUnit({ fencing, granted, store, record, audit, onTrouble });
  const waits = options.patience === undefined ? {} : { patience: options.patience };
  const tap = new Tap({ audit, unit, record, fencing, upstreamPort: () => server.port, ...waits });
  const server: TgtServer = new TgtServer({
    ...{ program, audit, onTrouble, stateDir: options.stateDir, stateFd: state.fd },
    ...{ quorumFd: quorum.fd, dataFd: data.fd, target: { ids, readOnly, chap } },
    onFresh: () => unit.fresh(),
    onServing: () => tap.served(),
    onLost: (reason) => tap.lost(reason),
  });
  undo.push(() => server.close());
  await server.open();

  const entrances = new Entrances(onTrouble);
  undo.push(() => entrances.close());
  if (options.controlSocket !== undefined) {
    const endConnection = (id: number): boolean => tap.endConnection(id);
    const controlled = { rules: tap.rules, status: () => tap.status(), words: WORDS, endConnection };
    await entrances.control(controlled, options.controlSocket);
  }
  const listening: string[] = [];
  for (const address of options.listen) listening.push(await entrances.listen(address));
  audit.write({ event: 'gate-started', pid: process.pid, fencing, granted, listen: listening.join(',') });
  entrances.open((socket, peer) => tap.accept(socket, peer));
  return {
    listening,
    stop: async (reason, withinMs) => {
      entrances.close();
      await tap.stop(withinMs);
      await server.close();
      tap.stopped();
      tap.lost('the storage node stopped');
      audit.write({ event: 'gate-stopped', reason });
      closeFiles(files);
    },
  };
}

/** What rules may name. */
const WORDS: RuleWords = { operations: ['read', 'write', 'flush', 'reserve', 'reset'], errorNames: FAILURES };

/**
 * The last grant that this storage node remembers. A lost one is made up for by the record alone, unlike the gate's: who is
 * let in is decided by the reservations, which are taken anew after every start.
 */
async function grantedLast(
  store: GrantFile,
  quorum: ImageFile,
  onTrouble: (line: string) => void,
): Promise<Grant | null> {
  if ((await store.load()) === null) return null;
  return (await lastGrant(store, quorum, onTrouble)).granted;
}

async function recordIn(quorum: ImageFile): Promise<QuorumRecord> {
  const record = new QuorumRecord(quorum);
  try {
    await record.owner();
    return record;
  } catch (error) {
    throw new StorageUnusable(`storage: quorum file ${quorum.path}: ${systemReason(error)}`, {
      cause: error,
    });
  }
}
