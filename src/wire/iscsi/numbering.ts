import { serialBefore, serialNext } from './serial.ts';

/** Where a session of one connection is (RFC 7143, section 4.2.2): which command comes next, which are taken, which status is due. */
export class Numbering {
  /** Of the next command that is not immediate; immediate ones carry it and leave it. */
  cmdSN: number;
  /** Of the next status; every request tells it, and so acknowledges what came before. */
  expStatSN = 0;
  /** Until the target has told its window, it has room for one command. */
  #maxCmdSN: number;

  constructor(cmdSN: number) {
    this.cmdSN = this.#maxCmdSN = cmdSN;
  }

  /** There is room for a command that is not immediate. */
  get isOpen(): boolean {
    return !serialBefore(this.#maxCmdSN, this.cmdSN);
  }

  /** The window as a PDU of the target tells it. One that has been overtaken by another says nothing new. */
  takeWindow(expCmdSN: number, maxCmdSN: number): void {
    if (serialBefore(maxCmdSN, (expCmdSN - 1) >>> 0)) return;
    if (serialBefore(this.#maxCmdSN, maxCmdSN)) this.#maxCmdSN = maxCmdSN;
  }

  /** The CmdSN of a command that is now issued. */
  next(): number {
    const { cmdSN } = this;
    this.cmdSN = serialNext(cmdSN);
    return cmdSN;
  }

  /** A status. Without error recovery a missing one is the end of the session: what is wrong, in one line. */
  takeStatus(statSN: number): string | undefined {
    if (statSN !== this.expStatSN) return `with StatSN ${statSN}, ${this.expStatSN} is due`;
    this.expStatSN = serialNext(statSN);
    return undefined;
  }
}
