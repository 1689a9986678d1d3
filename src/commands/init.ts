import { randomBytes } from 'node:crypto';
import { Command } from 'commander';
import { MAX_SLOTS, type SectorBytes } from '../area/layout.ts';
import type { BlockDevice } from '../ports/block-device.ts';
import type { Header } from '../protocol/types.ts';
import { timingProblems } from '../protocol/timing.ts';
import { openDevice, requireNoSecret } from './area-access.ts';
import { timingsLine } from './describe.ts';
import { CommandError, EXIT } from './errors.ts';
import { type InitOptions, nodeNames, positiveInteger, sectorSize, timingsOf } from './init-options.ts';
import { existingContent, requireRoom } from './init-existing.ts';
import { layOut, planOf } from './init-layout.ts';
import { fields, printJson, printLines } from './output.ts';

export function initCommand(): Command {
  return new Command('init')
    .description(
      'Lays out a quorum area: node slots, an ownership record without owner, and the header with all timings.',
    )
    .argument(
      '<uri>',
      'nbd://HOST:PORT/EXPORT, nbd+unix:///EXPORT?socket=/PATH, iscsi://HOST/TARGET/LUN or file:///PATH',
    )
    .requiredOption('--nodes <names>', 'the servers, in the order of their slots: a,b,c', nodeNames)
    .option('--slots <number>', `slots in all, 1 to ${MAX_SLOTS} (as many as nodes)`, positiveInteger)
    .option('--sector <bytes>', 'logical sector size: 512 or 4096 (what the device writes whole)', sectorSize)
    .option('--interval-ms <ms>', 'T, between two heartbeats', positiveInteger, 1000)
    .option('--misses <number>', 'M, unchanged observations until an owner is dead', positiveInteger, 5)
    .option('--settle-ms <ms>', 'S, the longest a claim may take (T)', positiveInteger)
    .option('--deadline-ms <ms>', 'q, of one read or write (T / 2)', positiveInteger)
    .option('--stop-grace-ms <ms>', 'for the service to end by itself (T)', positiveInteger)
    .option('--force', 'destroy what is there; it is named')
    .option('--json', 'print what was laid out as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  arbiter init nbd://storage/quorum --nodes server-1,server-2,server-3 \\\n    --interval-ms 400',
    )
    .action(init);
}

async function init(uri: string, options: InitOptions): Promise<void> {
  const timings = timingsOf(options);
  const problems = timingProblems(timings);
  if (problems.length > 0)
    throw new CommandError(problems.map((each) => `timings: ${each}`).join('\n'), EXIT.usage);
  requireNoSecret(uri);
  await using device = await openDevice(uri);
  const header: Header = {
    clusterId: randomBytes(16).toString('hex'),
    sectorBytes: sectorFor(device, options),
    slots: slotsFor(options),
    mode: 'plain',
    timings,
  };
  requireRoom(device, header);
  const existing = await existingContent(device, header);
  if (existing !== undefined && !options.force) {
    throw new CommandError(
      `${device.name}: in use: ${existing.what}; --force would destroy it`,
      EXIT.infrastructure,
    );
  }
  await layOut(device, planOf(header, options.nodes, existing?.extentBytes, Date.now()));
  report(device, header, options, existing?.what);
}

/** What the device writes whole decides; a smaller sector than that would not be safe from a torn write. */
function sectorFor(device: BlockDevice, options: InitOptions): SectorBytes {
  const fitting = device.sectorBytes > 512 ? 4096 : 512;
  if (device.sectorBytes > 4096) {
    throw new CommandError(
      `${device.name}: writes ${device.sectorBytes} bytes at a time; sectors of 512 and 4096 are supported`,
      EXIT.infrastructure,
    );
  }
  if (options.sector !== undefined && options.sector < fitting) {
    throw new CommandError(
      `--sector ${options.sector}: ${device.name} writes ${device.sectorBytes} bytes at a time; use --sector ${fitting}`,
      EXIT.usage,
    );
  }
  return options.sector ?? fitting;
}

function slotsFor({ nodes, slots = nodes.length }: InitOptions): number {
  if (slots < nodes.length)
    throw new CommandError(`--slots ${slots}: ${nodes.length} nodes need a slot each`, EXIT.usage);
  if (slots > MAX_SLOTS) throw new CommandError(`--slots ${slots}: at most ${MAX_SLOTS}`, EXIT.usage);
  return slots;
}

function report(
  device: BlockDevice,
  header: Header,
  options: InitOptions,
  destroyed: string | undefined,
): void {
  if (options.json) {
    const { clusterId: cluster, ...rest } = header;
    printJson({ uri: device.name, cluster, ...rest, nodes: options.nodes, destroyed: destroyed ?? null });
    return;
  }
  const slots = options.nodes.map((node, index) => `${index} ${node}`);
  if (header.slots > slots.length) slots.push(`${header.slots - slots.length} free`);
  printLines([
    ...(destroyed === undefined ? [] : [`destroyed: ${destroyed}`]),
    `laid out a quorum area on ${device.name}`,
    ...fields(
      [
        ['cluster', header.clusterId],
        [
          'sectors',
          `${header.slots + 2} of ${header.sectorBytes} bytes: header, ownership record, node slots`,
        ],
        ['slots', slots.join(', ')],
        ['timings', timingsLine(header.timings)],
      ],
      '  ',
    ),
  ]);
}
