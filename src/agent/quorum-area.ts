import { decodeArea } from '../area/area.ts';
import { areaBytes, recordOffset, slotOffset } from '../area/layout.ts';
import { encodeRecord } from '../area/record.ts';
import { encodeSlot } from '../area/slot.ts';
import type { BlockDevice } from '../ports/block-device.ts';
import type { AreaReading, Header, NodeSlot, OwnershipRecord } from '../protocol/types.ts';

/**
 * The quorum area on its device. Every read is one read of all of it, so that header, record and slots are of one
 * instant; every write is one sector. Requests reject as the device's do, at the deadline.
 */
export class QuorumArea {
  readonly #device: BlockDevice;
  readonly #header: Header;
  readonly #index: number;
  readonly #deadlineMs: number;

  /** `index`: the own slot. */
  constructor(device: BlockDevice, header: Header, index: number, deadlineMs: number) {
    this.#device = device;
    this.#header = header;
    this.#index = index;
    this.#deadlineMs = deadlineMs;
  }

  /** The bytes of the whole area, for `decode`: the caller takes the time in between. */
  read(): Promise<Uint8Array> {
    const { sectorBytes, slots } = this.#header;
    return this.#device.read(0, areaBytes(sectorBytes, slots), this.#deadlineMs);
  }

  decode(bytes: Uint8Array): AreaReading {
    const { sectorBytes, slots, clusterId } = this.#header;
    return decodeArea(bytes, sectorBytes, slots, clusterId);
  }

  writeRecord(record: OwnershipRecord): Promise<void> {
    const { sectorBytes } = this.#header;
    return this.#write(recordOffset(sectorBytes), encodeRecord(record, this.#framing()));
  }

  writeSlot(slot: NodeSlot): Promise<void> {
    const { sectorBytes } = this.#header;
    return this.#write(slotOffset(sectorBytes, this.#index), encodeSlot(slot, this.#framing()));
  }

  #write(offset: number, sector: Uint8Array): Promise<void> {
    return this.#device.writeDurably(offset, sector, this.#deadlineMs);
  }

  #framing() {
    const { clusterId, sectorBytes } = this.#header;
    return { clusterId, sectorBytes, wallMs: Date.now() };
  }
}
