import { invariant } from './invariant.ts';
import { watchArea } from './watch.ts';
import { end } from './stop.ts';
import { deathWaitMs, timingProblems } from './timing.ts';
import { change, type EventOf, moveTo, type Turn } from './turn.ts';
import type { Header, Reading } from './types.ts';

/** R0: the first read. The header in it is the one this agent lives by. False when there is nothing to live by. */
export function start(turn: Turn, event: EventOf<'start'>): boolean {
  const { header, slots } = event.area;
  const { identity } = turn.state;
  const unfit = unfitness(header);
  if (unfit !== undefined) {
    end(turn, 'R0', 3, unfit);
    return false;
  }
  const own = slots[identity.index];
  invariant(own !== undefined, 'the own slot is one of those that were read');
  change(turn, { header: header.bytes, ownSlot: { bytes: own.bytes, sinceAt: event.at, foreignMoves: 0 } });
  return watchArea(turn, event);
}

/** R0: nothing is claimed, and the own slot not written, before it was watched for D and nobody moved it. */
export function endWatch(turn: Turn, event: EventOf<'read'>): void {
  const { identity, ownSlot, slot } = turn.state;
  if (event.startedAt < ownSlot.sinceAt + deathWaitMs(identity.timings)) return;
  change(turn, { ownSlot: { ...ownSlot, foreignMoves: 0 }, slot: { ...slot, nextAt: turn.at } });
  moveTo(turn, { role: 'standby', waiting: false }, 'R0', 'the own slot was quiet for D');
}

function unfitness(header: Reading<Header>): string | undefined {
  if (header.kind === 'null') return 'quorum area: no header; it was never laid out (arbiter init)';
  if (header.kind === 'damaged') return `quorum area: header ${header.why}`;
  if (header.value.mode !== 'plain') {
    return `quorum area: laid out for mode '${header.value.mode}', which this agent does not know`;
  }
  const [problem] = timingProblems(header.value.timings);
  return problem === undefined ? undefined : `quorum area: ${problem}`;
}
