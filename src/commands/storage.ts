import { Command, InvalidArgumentError, Option } from 'commander';
import type { Backend } from '../storage/areas.ts';
import type { ListenAddress } from '../storage/listen.ts';
import { parseListenAddress } from '../storage/listen.ts';
import type { FileOptions } from '../storage/locked-files.ts';
import type { StorageOptions } from '../storage/start.ts';
import { systemReason } from '../storage/unusable.ts';
import { CommandError, EXIT } from './errors.ts';
import { storageControlCommand } from './storage-control.ts';
import { type ChapFlags, refuseChapOptions, tgtOptionsOf, withChapOptions } from './storage-tgt.ts';
import { type TlsFlags, tlsOptionsOf, withTlsOptions } from './storage-tls.ts';

/** NBD's own, and iSCSI's. */
const DEFAULT_PORT = { file: 10809, nbdkit: 10809, tgt: 3260 };

/** How long requests under way may take after a signal to stop. */
const STOP_WITHIN_MS = 5000;

interface Flags extends TlsFlags, ChapFlags {
  listen?: readonly string[];
  quorum?: string;
  data?: string;
  state?: string;
  control?: string;
  backend: Backend | 'tgt';
  fencing: boolean;
  readOnly?: boolean;
  createQuorum?: number;
  createData?: number;
  lockWait: number;
}

export function storageCommand(): Command {
  const command = new Command('storage')
    .description(
      'The storage node: serves the quorum area and, to its owner alone, the data area, as exports of an NBD server ' +
        'or as logical units 1 and 2 of an iSCSI target. ' +
        'Writes what it does to standard output, one JSON line an event.',
    )
    .option(
      '--listen <address>',
      'HOST:PORT, or unix:/PATH for NBD; can be repeated (127.0.0.1, port 10809 or 3260)',
      repeated,
    )
    .option('--quorum <file>', 'the file of the quorum area')
    .option('--data <file>', 'the file of the data area')
    .option('--state <dir>', 'directory for what must outlive a restart: the last grant')
    .addOption(
      new Option(
        '--backend <what>',
        'what reads and writes the files: this process, an nbdkit per owner behind it, or a tgtd (iSCSI)',
      )
        .choices(['file', 'nbdkit', 'tgt'])
        .default('file'),
    )
    .option('--control <socket>', 'Unix socket for status and for holding, delaying and failing requests')
    .option('--no-fencing', 'let everybody into the data area and end nobody: no protection at all')
    .option('--read-only', 'serve both areas for reading alone, as after an incident')
    .option('--create-quorum <bytes>', 'size of the quorum file, made where there is none', byteCount)
    .option('--create-data <bytes>', 'size of the data file, made where there is none', byteCount)
    .option('--lock-wait <ms>', 'how long to wait for a former storage process to end', milliseconds, 5000);
  return withChapOptions(withTlsOptions(command))
    .addHelpText(
      'after',
      '\nExample:\n' +
        '  arbiter storage --quorum quorum.img --create-quorum 65536 \\\n' +
        '    --data data.img --create-data 67108864 \\\n' +
        '    --listen 127.0.0.1:10809 --state gate-state --control gate.sock',
    )
    .addCommand(storageControlCommand())
    .action(storage);
}

async function storage(flags: Flags): Promise<void> {
  const start = await starterOf(flags);
  const interrupts = watchSignals();
  const running = await start({ ...(await outputs()), signal: interrupts.signal }).catch((error: unknown) => {
    if (interrupts.signal.aborted) throw new CommandError('interrupted before it listened', EXIT.interrupted);
    throw withExitCode(error);
  });
  await stopOnSignal(running, interrupts);
}

type Outputs = Pick<StorageOptions, 'audit' | 'onTrouble'>;

interface Running {
  stop(reason: string, withinMs: number): Promise<void>;
}

/** What starts the storage node that the options describe. */
async function starterOf(
  flags: Flags,
): Promise<(how: Outputs & { signal: AbortSignal }) => Promise<Running>> {
  const { backend, fencing } = flags;
  const listen = listenAddresses(flags);
  const files = fileOptionsOf(flags);
  const control = flags.control === undefined ? {} : { controlSocket: flags.control };
  if (backend === 'tgt') {
    const only = tgtOptionsOf(flags, listen);
    const { startTgtStorage } = await import('../storage/tgt/start.ts');
    return (how) => startTgtStorage({ ...files, ...control, ...only, listen, fencing, ...how });
  }
  refuseChapOptions(backend, flags);
  const tls = tlsOptionsOf(flags);
  const secured = tls === undefined ? {} : { tls };
  const { startStorage } = await import('../storage/start.ts');
  return (how) => startStorage({ ...files, ...control, ...secured, listen, fencing, backend, ...how });
}

function listenAddresses({ listen = ['127.0.0.1'], backend }: Flags): readonly ListenAddress[] {
  return listen.map((text) => {
    const address = parseListenAddress(text, DEFAULT_PORT[backend]);
    if (address !== undefined) return address;
    throw new CommandError(`storage: --listen '${text}' must be HOST:PORT or unix:/PATH`, EXIT.usage);
  });
}

function fileOptionsOf(flags: Flags): FileOptions {
  return {
    quorumFile: required('--quorum FILE', flags.quorum),
    dataFile: required('--data FILE', flags.data),
    stateDir: required('--state DIR', flags.state),
    readOnly: flags.readOnly ?? false,
    lockWaitMs: flags.lockWait,
    ...(flags.createQuorum === undefined ? {} : { createQuorumBytes: flags.createQuorum }),
    ...(flags.createData === undefined ? {} : { createDataBytes: flags.createData }),
  };
}

/** The audit goes to standard output as it is written; without a reader there is no proof, so there is no gate either. */
async function outputs(): Promise<Outputs> {
  const { AuditLog, writeFully } = await import('../storage/audit.ts');
  const complain = (line: string): void => {
    process.stderr.write(`arbiter: ${line}\n`);
  };
  const audit = new AuditLog((text) => {
    try {
      writeFully(1, text);
    } catch (error) {
      complain(
        `storage: the audit log on standard output cannot be written (${systemReason(error)}): this storage node ends, ` +
          'for nobody could prove what it does; have something take its output, and start it again',
      );
      process.exit(EXIT.infrastructure);
    }
  });
  return { audit, onTrouble: complain };
}

interface Interrupts {
  signal: AbortSignal;
  /** Resolves with the signal's name. */
  came: Promise<string>;
}

function watchSignals(): Interrupts {
  const abort = new AbortController();
  const came = new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.on(name, () => {
        abort.abort();
        resolve(name);
      });
    }
  });
  return { signal: abort.signal, came };
}

async function stopOnSignal(running: Running, interrupts: Interrupts): Promise<void> {
  await running.stop(await interrupts.came, STOP_WITHIN_MS);
  // A request that hangs in the file system must not keep the process: it was bounded by STOP_WITHIN_MS.
  process.exit(EXIT.ok);
}

function withExitCode(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'StorageUnusable') return error;
  return new CommandError(error.message, EXIT.infrastructure, { cause: error });
}

/** Commander would ask the subcommand for these too, so they are not its `requiredOption`. */
function required(option: string, value: string | undefined): string {
  if (value !== undefined) return value;
  throw new CommandError(`storage: ${option} is missing; see arbiter storage --help`, EXIT.usage);
}

function repeated(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

function byteCount(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value > 0 && value % 512 === 0) return value;
  throw new InvalidArgumentError('It must be a number of bytes, a multiple of 512.');
}

function milliseconds(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number of milliseconds.');
}
