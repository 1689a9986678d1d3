import type { Grant } from '../ports/audit.ts';
import type { Audit } from './audit.ts';
import { type Disk, type Medium, SyncedDisk } from './disk.ts';
import { FileMedium } from './file-medium.ts';
import type { ImageFile } from './image-file.ts';
import { NbdkitMedium } from './nbdkit-medium.ts';
import { systemReason } from './unusable.ts';

/** Who reads and writes the files of the areas: this process, or a stock NBD server behind it. */
export type Backend = 'file' | 'nbdkit';

/** Both areas, ready to be used. */
export interface Areas {
  readonly quorum: Disk;
  readonly data: Disk;
  /** Ends the server process of the data area, if there is one; resolves when it was reaped. */
  fenceData(epoch: number): Promise<void>;
  /** A server process ended by itself: what it had not answered has an unknown outcome. */
  onLost(listener: (area: 'quorum' | 'data', reason: string) => void): void;
  /** Ends the server processes; those that have not left within `withinMs` are killed. */
  close(withinMs: number): Promise<void>;
}

interface AreaOptions {
  backend?: Backend;
  fencing: boolean;
  readOnly: boolean;
  granted: Grant | null;
  /** Where it is not the `nbdkit` in PATH: for tests. */
  nbdkitProgram?: string;
  audit: Audit;
  onTrouble(line: string): void;
}

/** Opens the disks over the locked files. Rejects with StorageUnusable, with no process left. */
export async function openAreas(quorum: ImageFile, data: ImageFile, options: AreaOptions): Promise<Areas> {
  const { backend, fencing, granted, nbdkitProgram: program = 'nbdkit' } = options;
  if (backend !== 'nbdkit') {
    const mostCalls = threadsForFiles() - 1;
    const disks = disksOver(new FileMedium(quorum), new FileMedium(data, { mostCalls }), options);
    const nothing = (): Promise<void> => Promise.resolve();
    return { ...disks, fenceData: nothing, onLost: () => undefined, close: nothing };
  }
  let listener: Parameters<Areas['onLost']>[0] = () => undefined;
  const medium = (area: 'quorum' | 'data', file: ImageFile): NbdkitMedium =>
    new NbdkitMedium({ ...options, program, area, file, onLost: (reason) => listener(area, reason) });
  const [quorumServer, dataServer] = [medium('quorum', quorum), medium('data', data)];
  const close = async (withinMs: number): Promise<void> => {
    await Promise.all([dataServer.close(withinMs), quorumServer.close(withinMs)]);
  };
  try {
    await quorumServer.open(null);
    // Before the first grant there is nobody to serve; without fencing there are no grants at all.
    if (granted !== null || !fencing) await dataServer.open(granted?.epoch ?? null);
  } catch (error) {
    await close(0);
    throw error;
  }
  return {
    ...disksOver(quorumServer, dataServer, options),
    fenceData: (epoch) => dataServer.fence(epoch),
    onLost: (tell) => (listener = tell),
    close,
  };
}

/**
 * Threads that this process has for system calls on files (libuv: 4, or UV_THREADPOOL_SIZE). One of them is never the data
 * area's: a disk that hangs there must not keep the record from being read and written.
 */
function threadsForFiles(): number {
  return Math.max(2, Number(process.env['UV_THREADPOOL_SIZE'] ?? 4));
}

function disksOver(quorum: Medium, data: Medium, { onTrouble }: AreaOptions): { quorum: Disk; data: Disk } {
  const told = (area: string, what: string) => (error: unknown) => {
    const reason = systemReason(error);
    onTrouble(
      `storage: the ${area} area could not be made durable (${reason}): ${what} from now on; ` +
        `see to the disk of the ${area} file, then start this storage node again`,
    );
  };
  return {
    quorum: new SyncedDisk(quorum, {
      whole: true,
      onSyncFailed: told('quorum', 'every flush fails'),
    }),
    data: new SyncedDisk(data, {
      refusesAfterFailure: true,
      onSyncFailed: told('data', 'every flush and durable write fails'),
    }),
  };
}
