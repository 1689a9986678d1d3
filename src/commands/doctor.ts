import { Command, InvalidArgumentError } from 'commander';
import type { ScratchRange } from '../doctor/scratch.ts';
import { REQUEST_DEADLINE_MS, requireNoSecret, requireUri } from './area-access.ts';
import { diagnosisJson, diagnosisLines, isUsable } from './doctor-print.ts';
import { CommandError, EXIT } from './errors.ts';
import { printJson, printLines } from './output.ts';

interface Flags {
  seconds: number;
  scratch?: ScratchRange;
  tryReservations?: boolean;
  json?: true;
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'What a storage can do, what its requests cost, and which timings fit it. Changes nothing in a quorum area, ' +
        'and writes nothing at all but to the bytes that --scratch names.',
    )
    .argument('<uri>', 'a quorum area, what is to be one, or a data area')
    .option('--seconds <n>', 'how long requests are measured', seconds, 5)
    .option(
      '--scratch <offset+bytes>',
      'these bytes may be overwritten, to measure writes; they must be zero, and are zero again at the end',
      scratchRange,
    )
    .option(
      '--try-reservations',
      'of a SCSI unit: take one with a scratch key for a moment, where nobody is registered',
    )
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  arbiter doctor nbd://storage/quorum\n' +
        '  arbiter doctor nbd://storage/quorum --scratch 61440+4096\n' +
        '\nExit code: 0 usable, 1 a problem was found, 3 it could not be reached',
    )
    .action(doctor);
}

async function doctor(
  uri: string,
  { seconds, scratch, tryReservations = false, json }: Flags,
): Promise<void> {
  requireNoSecret(uri);
  requireUri(uri);
  const { examine } = await import('../doctor/examine.ts');
  const { Unfinished } = await import('../doctor/unfinished.ts');
  const unfinished = new Unfinished();
  const signal = leaveOnSignal(unfinished);
  const diagnosis = await examine(uri, {
    ...{ seconds, scratch, tryReservations, signal, unfinished },
    deadlineMs: REQUEST_DEADLINE_MS,
  });
  if (signal.aborted) throw interrupted(diagnosis.findings.find(({ thing }) => thing.startsWith('scratch')));
  if (json) printJson(diagnosisJson(diagnosis, uri));
  else printLines(diagnosisLines(diagnosis, uri));
  if (!isUsable(diagnosis)) process.exitCode = EXIT.stopped;
}

/** An interrupt ends the program at once, or when what was written is put back: a few requests away. */
function leaveOnSignal(unfinished: { any: boolean }): AbortSignal {
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      abort.abort();
      if (unfinished.any) return;
      process.stderr.write(`arbiter: ${interrupted().message}\n`);
      process.exit(EXIT.interrupted);
    });
  }
  return abort.signal;
}

function interrupted(left?: { why: string }): CommandError {
  return new CommandError(`doctor: interrupted; ${left?.why ?? 'nothing was left behind'}`, EXIT.interrupted);
}

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d{1,4}(\.\d{1,3})?$/.test(text) && value > 0 && value <= 3600) return value;
  throw new InvalidArgumentError('It must be a number of seconds up to 3600.');
}

function scratchRange(text: string): ScratchRange {
  const [, offset, length] = /^(\d{1,16})\+(\d{1,16})$/.exec(text) ?? [];
  const range = { offsetBytes: Number(offset), lengthBytes: Number(length) };
  if (Number.isSafeInteger(range.offsetBytes + range.lengthBytes)) return range;
  throw new InvalidArgumentError('It must be OFFSET+LENGTH in bytes, as 61440+4096.');
}
