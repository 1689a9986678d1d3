import { InvalidArgumentError } from 'commander';
import { isNodeName } from '../area/field.ts';
import { isSectorBytes, MAX_SLOTS, type SectorBytes } from '../area/layout.ts';
import type { Timings } from '../protocol/types.ts';

/** What the command line of `arbiter init` says. */
export interface InitOptions {
  nodes: readonly string[];
  slots?: number;
  sector?: SectorBytes;
  intervalMs: number;
  misses: number;
  settleMs?: number;
  deadlineMs?: number;
  stopGraceMs?: number;
  force?: true;
  json?: true;
}

/** What was not said follows from T, in the proportions of the defaults. */
export function timingsOf(options: InitOptions): Timings {
  const { intervalMs, misses } = options;
  return {
    intervalMs,
    misses,
    settleMs: options.settleMs ?? intervalMs,
    deadlineMs: options.deadlineMs ?? Math.ceil(intervalMs / 2),
    stopGraceMs: options.stopGraceMs ?? intervalMs,
  };
}

export function nodeNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !isNodeName(name));
  if (wrong !== undefined) {
    throw new InvalidArgumentError(
      `'${wrong}': a node name has 1 to 31 lower-case letters, digits and hyphens, the first one not a hyphen`,
    );
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new InvalidArgumentError(`'${twice}' is there twice; every node has one slot`);
  if (names.length > MAX_SLOTS) throw new InvalidArgumentError(`${names.length} nodes; at most ${MAX_SLOTS}`);
  return names;
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 0xffffffff) {
    throw new InvalidArgumentError('It must be a whole number from 1 to 4294967295.');
  }
  return value;
}

export function sectorSize(text: string): SectorBytes {
  const value = Number(text);
  if (!isSectorBytes(value)) throw new InvalidArgumentError('It must be 512 or 4096.');
  return value;
}
