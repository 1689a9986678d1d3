import { Command, InvalidArgumentError, Option } from 'commander';
import type { Backend } from '../storage/areas.ts';
import type { ListenAddress } from '../storage/listen.ts';
import { parseListenAddress } from '../storage/listen.ts';
import type { RunningStorage, StorageOptions } from '../storage/start.ts';
import { CommandError, EXIT } from './errors.ts';
import { storageControlCommand } from './storage-control.ts';
import { type TlsFlags, tlsOptionsOf, withTlsOptions } from './storage-tls.ts';

/** How long requests under way may take after a signal to stop. */
const STOP_WITHIN_MS = 5000;

interface Flags extends TlsFlags {
  listen?: readonly ListenAddress[];
  quorum?: string;
  data?: string;
  state?: string;
  control?: string;
  backend: Backend;
  fencing: boolean;
  readOnly?: boolean;
  createQuorum?: number;
  createData?: number;
  lockWait: number;
}

export function storageCommand(): Command {
  const command = new Command('storage')
    .description(
      'The storage node: an NBD server for the quorum area and, to its owner alone, for the data area. ' +
        'Writes what it does to standard output, one JSON line an event.',
    )
    .option('--listen <address>', 'HOST:PORT or unix:/PATH; can be repeated (127.0.0.1:10809)', listenAddress)
    .option('--quorum <file>', 'the file of the quorum area')
    .option('--data <file>', 'the file of the data area')
    .option('--state <dir>', 'directory for what must outlive a restart: the last grant')
    .addOption(
      new Option(
        '--backend <what>',
        'what reads and writes the files: this process, or an nbdkit per owner behind it',
      )
        .choices(['file', 'nbdkit'])
        .default('file'),
    )
    .option('--control <socket>', 'Unix socket for status and for holding, delaying and failing requests')
    .option('--no-fencing', 'let in every well-formed data name and end nobody: no protection at all')
    .option('--read-only', 'serve both areas for reading alone, as after an incident')
    .option('--create-quorum <bytes>', 'size of the quorum file, made where there is none', byteCount)
    .option('--create-data <bytes>', 'size of the data file, made where there is none', byteCount)
    .option('--lock-wait <ms>', 'how long to wait for a former storage process to end', milliseconds, 5000);
  return withTlsOptions(command)
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
  const { startStorage } = await import('../storage/start.ts');
  const interrupts = watchSignals();
  const running = await startStorage({
    ...optionsOf(flags),
    ...(await outputs()),
    signal: interrupts.signal,
  }).catch((error: unknown) => {
    if (interrupts.signal.aborted) throw new CommandError('interrupted before it listened', EXIT.interrupted);
    throw withExitCode(error);
  });
  await stopOnSignal(running, interrupts);
}

function optionsOf(flags: Flags): Omit<StorageOptions, 'audit' | 'onTrouble'> {
  const listen = flags.listen ?? [listenAddress('127.0.0.1')].flat();
  const tls = tlsOptionsOf(flags);
  return {
    listen,
    quorumFile: required('--quorum FILE', flags.quorum),
    dataFile: required('--data FILE', flags.data),
    stateDir: required('--state DIR', flags.state),
    backend: flags.backend,
    fencing: flags.fencing,
    readOnly: flags.readOnly ?? false,
    lockWaitMs: flags.lockWait,
    ...(tls === undefined ? {} : { tls }),
    ...(flags.control === undefined ? {} : { controlSocket: flags.control }),
    ...(flags.createQuorum === undefined ? {} : { createQuorumBytes: flags.createQuorum }),
    ...(flags.createData === undefined ? {} : { createDataBytes: flags.createData }),
  };
}

/** The audit goes to standard output as it is written; without a reader there is no proof, so there is no gate either. */
async function outputs(): Promise<Pick<StorageOptions, 'audit' | 'onTrouble'>> {
  const { AuditLog, writeFully } = await import('../storage/audit.ts');
  const complain = (line: string): void => {
    process.stderr.write(`arbiter: ${line}\n`);
  };
  const audit = new AuditLog((text) => {
    try {
      writeFully(1, text);
    } catch (error) {
      complain(`storage: the audit log on standard output cannot be written: ${String(error)}`);
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

async function stopOnSignal(running: RunningStorage, interrupts: Interrupts): Promise<void> {
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

function listenAddress(text: string, before: readonly ListenAddress[] = []): readonly ListenAddress[] {
  const address = parseListenAddress(text);
  if (address === undefined) throw new InvalidArgumentError(`It must be HOST:PORT or unix:/PATH.`);
  return [...before, address];
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
