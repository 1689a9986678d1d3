import type { Grant } from '../../ports/audit.ts';
import type { Header, OwnershipRecord } from '../../protocol/types.ts';
import { FileMedium } from '../file-medium.ts';
import type { ImageFile } from '../image-file.ts';
import { readQuorum, recordIn, WATCHED_BYTES } from '../record-watch.ts';

/** The owner in the record, and how many servers there are. */
export interface RecordedOwner extends Grant {
  slots: number;
}

/** The header and the record of the quorum area, read from its file behind tgtd's back. */
export class QuorumRecord {
  readonly #medium: FileMedium;
  #header: Header | null = null;

  constructor(file: ImageFile) {
    this.#medium = new FileMedium(file);
  }

  /** As last read; null when there is none that is valid. */
  get header(): Header | null {
    return this.#header;
  }

  /**
   * Who owns it at this moment; null when the record is none, damaged, or has status 0, and while it is half written,
   * which passes. Rejects when the file cannot be read.
   */
  async owner(): Promise<RecordedOwner | null> {
    const { header, owned } = await readQuorum(this.#medium);
    this.#header = header;
    return owned === null ? null : { ...owned, slots: header!.slots };
  }

  /** Whether a write there may change the header. */
  touchesHeader(offset: number): boolean {
    return offset < (this.#header?.sectorBytes ?? WATCHED_BYTES);
  }

  /** What a write that begins with `bytes` at `offset` makes the record; null when that does not cover it, or not validly. */
  recordIn(offset: number, bytes: Uint8Array): OwnershipRecord | null {
    return recordIn(this.#header, offset, bytes);
  }
}
