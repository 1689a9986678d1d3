import type { Disk } from './disk.ts';

/** A disk whose writes stay under way until they are let through: the file system took them, and takes its time. */
export class StuckDisk implements Disk {
  readonly #disk: Disk;
  readonly #stuck: { offset: number; go: () => void }[] = [];
  #arrived: (() => void)[] = [];
  stick = false;
  /** Reads that were carried out. */
  reads = 0;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  get sizeBytes(): number {
    return this.#disk.sizeBytes;
  }

  read(offset: number, into: Uint8Array): Promise<void> {
    this.reads++;
    return this.#disk.read(offset, into);
  }

  async write(offset: number, bytes: Uint8Array, durably: boolean): Promise<void> {
    if (this.stick) {
      await new Promise<void>((go) => {
        this.#stuck.push({ offset, go });
        for (const wake of this.#arrived.splice(0)) wake();
      });
    }
    return this.#disk.write(offset, bytes, durably);
  }

  flush(): Promise<void> {
    return this.#disk.flush();
  }

  /** Resolves when `count` writes are under way. */
  async stuck(count: number): Promise<void> {
    while (this.#stuck.length < count) await new Promise<void>((resolve) => this.#arrived.push(resolve));
  }

  /** Lets the oldest write through. */
  letOne(): void {
    this.#stuck.shift()?.go();
  }

  letAll(): void {
    this.stick = false;
    while (this.#stuck.length > 0) this.letOne();
  }
}
