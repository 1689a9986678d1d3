import { read16 } from '../../wire/scsi/block-commands.ts';
import { OPERATION } from '../../wire/scsi/operation.ts';
import {
  type CommandPdu,
  type Conversation,
  type Script,
  ScriptedTarget,
} from './scripted-target.fixture.ts';
import { IscsiSession } from './session.ts';

export interface Held {
  request: CommandPdu;
  talk: Conversation;
}

/** A target that answers no read and no write by itself: tests take them as they come and answer them in any order. */
export class HoldingTarget implements AsyncDisposable {
  readonly target: ScriptedTarget;
  readonly #held: Held[] = [];
  readonly #waiting: ((held: Held) => void)[] = [];

  static async listen(script: Script = {}): Promise<HoldingTarget> {
    return new HoldingTarget(await ScriptedTarget.listen(script));
  }

  private constructor(target: ScriptedTarget) {
    this.target = target;
    const { command } = target.script;
    target.script.command = (request, talk) => {
      if (command?.(request, talk) === true) return true;
      if (request.cdb[0] !== OPERATION.READ_16 && request.cdb[0] !== OPERATION.WRITE_16) return false;
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#held.push({ request, talk });
      else waiting({ request, talk });
      return true;
    };
  }

  /** The next read or write that nobody took yet. */
  next(): Promise<Held> {
    const held = this.#held.shift();
    return held === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(held);
  }

  /** As many. */
  async several(number: number): Promise<Held[]> {
    const taken: Held[] = [];
    while (taken.length < number) taken.push(await this.next());
    return taken;
  }

  /** Those that came and that nobody took. */
  get untaken(): number {
    return this.#held.length;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.target[Symbol.asyncDispose]();
  }
}

/** One that has to be answered. */
export const ping = {
  kind: 'nop-in',
  lun: 0,
  tag: 0xffff_ffff,
  targetTag: 3,
  data: new Uint8Array(),
} as const;

export interface OpenedSession extends AsyncDisposable {
  holding: HoldingTarget;
  session: IscsiSession;
}

/** A session with a holding target of this script; both end together. */
export async function openedSession(script: Script = {}): Promise<OpenedSession> {
  const holding = await HoldingTarget.listen(script);
  const session = await IscsiSession.open({ address: holding.target.address(), deadlineMs: 5000 });
  return {
    holding,
    session,
    [Symbol.asyncDispose]: async () => {
      await session.close();
      await holding[Symbol.asyncDispose]();
    },
  };
}

/** The first byte of a block. */
export function readBlock(
  session: IscsiSession,
  lba: number,
  deadlineMs = 5000,
): Promise<number | undefined> {
  return session.command(1, read16(lba, 1, 512), deadlineMs).then(({ data }) => data[0]);
}
