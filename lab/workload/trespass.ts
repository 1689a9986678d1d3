import { type IscsiUnitAddress, parseIscsiUri } from './iscsi-address.ts';
import { IscsiUnit } from './iscsi-unit.ts';
import { exportAt, parseNbdUri } from './nbd-address.ts';
import { ExportRefused, NbdDisk, RequestRefused } from './nbd-disk.ts';
import { optionsFrom, runProgram, WrongUsage } from './options.ts';

/**
 * Tries, on purpose, to use the data area under a name that is not its to use, and tells in one JSON line what came of
 * it: `refused` (by the storage node), `done`, or `failed` (nothing is proved). 0 whenever it could be tried.
 */
interface Trespass {
  op: 'read' | 'write';
  export: string;
  outcome: 'refused' | 'done' | 'failed';
  reason: string;
  grantedEpoch: number | null;
}

const CONNECT_MS = 5000;
const BYTES = 512;
const REFUSALS: ReadonlySet<string> = new Set(['EPERM', 'ESHUTDOWN', 'RESERVATION CONFLICT']);

await runProgram('trespass', async () => {
  const options = optionsFrom(process.argv.slice(2), { uri: undefined, export: undefined, op: undefined });
  const { op, export: name } = options;
  if (op !== 'read' && op !== 'write') throw new WrongUsage(`--op ${op}: read or write`);
  const said = await attemptAt(
    options.uri,
    name,
  )(op).then(
    (reason) => ({ outcome: 'done', reason, grantedEpoch: null }) as const,
    (error: Error) => whatStopped(error),
  );
  const line: Trespass = { op, export: name, ...said };
  process.stdout.write(`${JSON.stringify(line)}\n`);
});

/** Over NBD under the export `name`, over iSCSI in a session that says it is that, and that reserves nothing. */
function attemptAt(base: string, name: string): (op: 'read' | 'write') => Promise<string> {
  if (base.startsWith('iscsi:')) {
    const address = parseIscsiUri(base);
    return (op) => tryUnit(address, name, op);
  }
  const uri = exportAt(base, name);
  parseNbdUri(uri);
  return (op) => tryIt(uri, op);
}

async function tryUnit(address: IscsiUnitAddress, alias: string, op: 'read' | 'write'): Promise<string> {
  const unit = await IscsiUnit.connect(address, alias, CONNECT_MS);
  try {
    const { blocks, blockBytes } = await unit.capacity();
    if (op === 'read') {
      await unit.read(0, blockBytes);
      return 'read block 0';
    }
    await unit.write(blocks - 1, new TextEncoder().encode('TRESPASS'.repeat(blockBytes / 8)));
    return `wrote block ${blocks - 1}`;
  } finally {
    unit.close();
  }
}

/** A write goes to the last sector, where it harms least; that it is let through is bad enough. */
async function tryIt(uri: string, op: 'read' | 'write'): Promise<string> {
  const disk = await NbdDisk.connect(uri, CONNECT_MS);
  try {
    if (op === 'read') {
      await disk.read(0, BYTES);
      return `read ${BYTES} bytes at 0`;
    }
    const offset = disk.sizeBytes - (disk.sizeBytes % BYTES) - BYTES;
    await disk.writeFua(offset, new TextEncoder().encode('TRESPASS'.repeat(BYTES / 8)));
    return `wrote ${BYTES} bytes at ${offset}`;
  } finally {
    disk.close();
  }
}

function whatStopped(error: Error): Pick<Trespass, 'outcome' | 'reason' | 'grantedEpoch'> {
  const reason = error.message;
  if (error instanceof ExportRefused)
    return { outcome: 'refused', reason, grantedEpoch: error.grantedEpoch ?? null };
  const refusal = error instanceof RequestRefused && REFUSALS.has(error.code);
  return { outcome: refusal ? 'refused' : 'failed', reason, grantedEpoch: null };
}
