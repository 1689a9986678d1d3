import { tenureOf, type State } from '../state.ts';
import type { AreaReading, Event, NodeSlot } from '../types.ts';

/** What a line needs to know of the server it is about. */
export interface About {
  area: AreaReading;
  /** The slot that is being written. */
  slot: NodeSlot | undefined;
  /** The epoch of its ownership, where it has one. */
  epoch: number;
}

/** `read 1000..1010`, `write-failed 10..510 unknown no answer`: an event of types.ts, its instants first. */
export function readEvent(line: string, { area, slot, epoch }: About): Event {
  const [kind = '', instants = '', ...words] = line.split(' ');
  const [first, last] = instants.split('..').map(Number);
  const [startedAt, at] = [first!, last ?? first!];
  if (!Number.isFinite(at)) throw new Error('an event needs an instant');
  const reason = words.join(' ');
  switch (kind) {
    case 'tick':
      return { kind, at };
    case 'start':
    case 'read':
      return { kind, at, startedAt, area };
    case 'read-failed':
      return { kind, at, startedAt, reason };
    case 'written':
      return { kind, at, startedAt };
    case 'write-failed': {
      const [outcome, ...why] = words;
      if (outcome !== 'unknown' && outcome !== 'failed') throw new Error('unknown or failed?');
      return { kind, at, startedAt, outcome, reason: why.join(' ') };
    }
    case 'slot-written':
      return { kind, at, slot: slotOf(slot) };
    case 'slot-write-failed':
      return { kind, at, slot: slotOf(slot), reason };
    case 'access-granted':
      return { kind, at, epoch };
    case 'access-refused': {
      const granted = /^granted e(\d+) (.*)$/.exec(reason);
      const grantedEpoch = granted === null ? undefined : Number(granted[1]);
      return { kind, at, epoch, grantedEpoch, reason: granted?.[2] ?? reason };
    }
    case 'access-failed':
    case 'access-lost':
      return { kind, at, epoch, reason };
    case 'service-started':
      return { kind, at, pid: Number(words[1]) };
    case 'service-failed':
    case 'service-ended':
      return { kind, at, reason };
    case 'release':
      if (reason !== 'exit' && reason !== 'observe') throw new Error('exit or observe?');
      // oxlint-disable-next-line unicorn/no-thenable -- the field's name, not a promise
      return { kind, at, then: reason };
    case 'hand-over':
      return { kind, at, to: words[0] ?? '', force: words[1] === 'force' };
    case 'pause':
      return { kind, at, wallMs: 0 };
    case 'resume':
      return { kind, at };
    default:
      throw new Error(`no event: ${kind}`);
  }
}

export function epochIn(state: State): number {
  return tenureOf(state.phase)?.epoch ?? 0;
}

function slotOf(slot: NodeSlot | undefined): NodeSlot {
  if (slot === undefined) throw new Error('no slot is being written');
  return slot;
}
