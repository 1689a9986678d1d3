import { findHeader } from '../area/header.ts';
import { HEADER_PROBE_BYTES, recordOffset, SECTOR_SIZES } from '../area/layout.ts';
import { decodeRecord } from '../area/record.ts';
import type { Grant } from '../ports/audit.ts';
import type { Header, OwnershipRecord } from '../protocol/types.ts';
import type { Disk } from './disk.ts';

/** One read of so much shows the header and the record, whatever the sector size. */
export const WATCHED_BYTES = 2 * Math.max(...SECTOR_SIZES);

export interface WatchListener {
  /** The record was read: its owner when it is valid and has status 1. Null for everything else, unformatted included. */
  onRecord(owned: Grant | null): void;
  /** The area could not be read; the next write to it brings the next attempt. */
  onUnreadable(error: unknown): void;
}

/**
 * Follows the header and the ownership record of the quorum area: reads them at the start and after every write that
 * touched them. While such a write is under way nothing is read: what it will have written is seen when it is done.
 */
export class RecordWatch {
  readonly #disk: Disk;
  readonly #listener: WatchListener;
  #header: Header | null = null;
  #writing = 0;
  #stale = false;
  #reading = false;

  constructor(disk: Disk, listener: WatchListener) {
    this.#disk = disk;
    this.#listener = listener;
  }

  /** The header as last read; null when there is none that is valid. */
  get header(): Header | null {
    return this.#header;
  }

  /** False from the end of a write that touched the record until what it wrote was read. */
  get settled(): boolean {
    return !this.#stale && !this.#reading;
  }

  /** The first look. Rejects when the area cannot be read. */
  async start(): Promise<void> {
    this.#listener.onRecord(await this.#look());
  }

  /** Whether a write changes what is watched. */
  touches(offset: number, length: number): boolean {
    return length > 0 && offset < this.#watchedEnd();
  }

  /** Around every write that `touches`. */
  writeBegan(): void {
    this.#writing++;
  }

  writeEnded(): void {
    this.#writing--;
    this.#stale = true;
    this.#catchUp();
  }

  /** What a write of `bytes` at `offset` makes the record; null when it does not cover it, or not with a valid one. */
  recordIn(offset: number, bytes: Uint8Array): OwnershipRecord | null {
    return recordIn(this.#header, offset, bytes);
  }

  #watchedEnd(): number {
    if (this.#header === null) return WATCHED_BYTES;
    return recordOffset(this.#header.sectorBytes) + this.#header.sectorBytes;
  }

  #catchUp(): void {
    if (!this.#stale || this.#writing > 0 || this.#reading) return;
    this.#stale = false;
    this.#reading = true;
    this.#look().then(
      (owned) => this.#looked(() => this.#listener.onRecord(owned)),
      (error: unknown) => this.#looked(() => this.#listener.onUnreadable(error)),
    );
  }

  #looked(tell: () => void): void {
    this.#reading = false;
    tell();
    this.#catchUp();
  }

  async #look(): Promise<Grant | null> {
    const { header, owned } = await readQuorum(this.#disk);
    this.#header = header;
    return owned;
  }
}

/** Reads the header and the record. `owned` is the record's owner when it is valid and has status 1. */
export async function readQuorum(
  disk: Pick<Disk, 'sizeBytes' | 'read'>,
): Promise<{ header: Header | null; owned: Grant | null }> {
  const bytes = new Uint8Array(Math.min(WATCHED_BYTES, disk.sizeBytes));
  await disk.read(0, bytes);
  const found = findHeader(bytes.subarray(0, HEADER_PROBE_BYTES));
  const header = found.kind === 'valid' ? found.value : null;
  const record = recordIn(header, 0, bytes);
  if (record === null || record.status !== 1) return { header, owned: null };
  const { node, epoch, incarnation } = record;
  return { header, owned: { node, epoch, incarnation: incarnation.slice(0, 8) } };
}

/** What `bytes` at `offset` make the record of an area with that header; null when they do not cover it validly. */
export function recordIn(header: Header | null, offset: number, bytes: Uint8Array): OwnershipRecord | null {
  if (header === null) return null;
  const { sectorBytes, clusterId } = header;
  const at = recordOffset(sectorBytes) - offset;
  if (at < 0 || at + sectorBytes > bytes.length) return null;
  const reading = decodeRecord(bytes.subarray(at, at + sectorBytes), clusterId);
  return reading.kind === 'valid' ? reading.value : null;
}
