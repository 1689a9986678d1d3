import type { Lun } from './header-fields.ts';
import type { Residual, TargetPdu } from './target-pdu.ts';

const nothing = new Uint8Array(0);

/** A SCSI command that is under way: what was read so far, or how much of what it writes was sent. */
export class CommandTask {
  readonly kind = 'command';
  readonly lun: Lun;
  readonly cmdSN: number;
  /** What it writes, until nobody waits for it any more. */
  dataOut: Uint8Array;
  abandoned = false;
  readonly #outBytes: number;
  readonly #inBytes: number;
  #sentBytes: number;
  #receivedBytes = 0;
  /** For what it reads, once some of it came. */
  #data: Uint8Array = nothing;
  #into: Uint8Array | undefined;
  #dataSN = 0;
  #r2tSN = 0;

  /** `sentBytes`: of what it writes, those that went out without being asked for. `into`: for what it reads. */
  constructor(
    lun: Lun,
    cmdSN: number,
    dataOut: Uint8Array,
    sentBytes: number,
    inBytes: number,
    into?: Uint8Array,
  ) {
    this.lun = lun;
    this.cmdSN = cmdSN;
    this.dataOut = dataOut;
    this.#outBytes = dataOut.length;
    this.#sentBytes = sentBytes;
    this.#inBytes = inBytes;
    this.#into = into;
  }

  /** Of the memory that is held for what it reads. */
  get heldBytes(): number {
    return this.#data.length;
  }

  /** What was read. */
  get data(): Uint8Array {
    const data = this.#data;
    return data.length === this.#receivedBytes ? data : data.subarray(0, this.#receivedBytes);
  }

  abandon(): void {
    this.abandoned = true;
    this.dataOut = this.#data = nothing;
    this.#into = undefined;
  }

  /** Where the next data belong; undefined for what is not due, and when nobody waits for it any more. */
  placeOf(offsetBytes: number, lengthBytes: number): Uint8Array | undefined {
    const end = offsetBytes + lengthBytes;
    if (this.abandoned || offsetBytes !== this.#receivedBytes || end > this.#inBytes) return undefined;
    if (this.#data.length === 0) this.#data = this.#into ?? new Uint8Array(this.#inBytes);
    return this.#data.subarray(offsetBytes, end);
  }

  /**
   * Data-In, in order: DataPDUInOrder and DataSequenceInOrder are agreed on (RFC 7143, sections 13.18 and 13.19). Its data
   * are in their place already. What is wrong with it, if anything.
   */
  takeData({ dataSN, offsetBytes, data }: TargetPdu & { kind: 'data-in' }): string | undefined {
    if (dataSN !== this.#dataSN) return `with DataSN ${dataSN}, ${this.#dataSN} is due`;
    if (data.length > 0 && offsetBytes !== this.#receivedBytes)
      return `with data from ${offsetBytes} on, those from ${this.#receivedBytes} on are due`;
    const end = this.#receivedBytes + data.length;
    if (end > this.#inBytes) return `with data up to ${end}, the command reads ${this.#inBytes} bytes`;
    this.#dataSN += 1;
    this.#receivedBytes = end;
    return undefined;
  }

  /** An R2T, which is to be answered with exactly what it asks for. What is wrong with it, if anything. */
  takeR2T(
    { r2tSN, offsetBytes, lengthBytes }: TargetPdu & { kind: 'r2t' },
    maxBurstBytes: number,
  ): string | undefined {
    if (r2tSN !== this.#r2tSN) return `with R2TSN ${r2tSN}, ${this.#r2tSN} is due`;
    if (offsetBytes !== this.#sentBytes)
      return `for data from ${offsetBytes} on, those from ${this.#sentBytes} on are due`;
    if (lengthBytes === 0 || lengthBytes > maxBurstBytes)
      return `for ${lengthBytes} bytes, a burst has 1 to ${maxBurstBytes}`;
    if (offsetBytes + lengthBytes > this.#outBytes)
      return `for data up to ${offsetBytes + lengthBytes}, the command writes ${this.#outBytes} bytes`;
    this.#r2tSN += 1;
    this.#sentBytes += lengthBytes;
    return undefined;
  }

  /**
   * It succeeded: then all its data was moved, but for what the residual tells (section 11.4.5). Data that is missing
   * without a word must not pass for read or written. What is wrong, if anything.
   */
  endProblem(residual: Residual): string | undefined {
    const missing = residual.kind === 'underflow' ? residual.bytes : 0;
    if (this.#receivedBytes + (this.#inBytes > 0 ? missing : 0) !== this.#inBytes)
      return `of a success after ${this.#receivedBytes} of ${this.#inBytes} bytes read${told(missing)}`;
    if (this.#sentBytes + missing < this.#outBytes)
      return `of a success after ${this.#sentBytes} of ${this.#outBytes} bytes written${told(missing)}`;
    return undefined;
  }
}

function told(missing: number): string {
  return missing === 0 ? '' : `, with a residual of ${missing}`;
}
