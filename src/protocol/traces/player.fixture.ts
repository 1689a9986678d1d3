import { literalInitialState, type LiteralState } from '../literal/state.ts';
import { literalStep } from '../literal/step.ts';
import { initialState, type State } from '../state.ts';
import { step } from '../step.ts';
import type { Effect, Event, Identity, NodeSlot, OwnershipRecord } from '../types.ts';
import { epochIn, readEvent } from './event-line.fixture.ts';
import { effectText } from './notation.fixture.ts';
import { literalStateText, stateText } from './state-text.fixture.ts';
import type { TraceDisk } from './trace-disk.fixture.ts';

/** How long an answer takes while nothing goes wrong. */
const ANSWER_MS = 10;

/** One server of a trace: events in, text out. */
export class Player {
  readonly #identity: Identity;
  readonly #disk: TraceDisk;
  #machine: { rules: 'safe'; state: State } | { rules: 'literal'; state: LiteralState };
  #shown = '';
  /** What it asked for and has no answer to yet, and when it asked. */
  #asked: { read?: number; record?: number; slot?: number; wake?: number } = {};
  #record: OwnershipRecord | undefined;
  #slot: NodeSlot | undefined;
  #at = 0;

  constructor(identity: Identity, disk: TraceDisk, literal: boolean) {
    this.#identity = identity;
    this.#disk = disk;
    this.#machine = literal
      ? { rules: 'literal', state: literalInitialState(identity) }
      : { rules: 'safe', state: initialState(identity) };
  }

  /** One numbered event. */
  play(line: string): string[] {
    const epoch = this.#machine.rules === 'safe' ? epochIn(this.#machine.state) : 0;
    return this.#step(readEvent(line, { area: this.#disk.area, slot: this.#slot, epoch }));
  }

  /** Nothing goes wrong until then: wakes are on time, requests are answered at once. */
  playCalmly(untilAt: number): string[] {
    const lines: string[] = [];
    for (;;) {
      const { read, record, slot, wake } = this.#asked;
      const area = this.#disk.area;
      const due: Event[] = [];
      const answered = (askedAt: number) => Math.max(askedAt + ANSWER_MS, this.#at);
      if (read !== undefined) due.push({ kind: 'read', at: answered(read), startedAt: read, area });
      if (record !== undefined) due.push({ kind: 'written', at: answered(record), startedAt: record });
      if (slot !== undefined) due.push({ kind: 'slot-written', at: answered(slot), slot: this.#slot! });
      if (wake !== undefined) due.push({ kind: 'tick', at: Math.max(wake, this.#at) });
      const next = due.sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > untilAt) return lines;
      const instants = 'startedAt' in next ? `${next.startedAt}..${next.at}` : `${next.at}`;
      lines.push(`@ ${next.kind} ${instants}`, ...this.#step(next));
    }
  }

  /** The record that was issued last reaches the disk, acknowledged or not. */
  land(): void {
    if (this.#record === undefined) throw new Error('no record was written');
    this.#disk.writeRecord(this.#record);
    this.#record = undefined;
  }

  #step(event: Event): string[] {
    if (event.at < this.#at) throw new Error(`time runs backwards from ${this.#at}`);
    this.#answer(event);
    this.#at = event.at;
    let effects: readonly Effect[];
    if (this.#machine.rules === 'safe') {
      const next = step(this.#machine.state, event);
      this.#machine = { rules: 'safe', state: next.state };
      effects = next.effects;
    } else {
      const next = literalStep(this.#machine.state, event);
      this.#machine = { rules: 'literal', state: next.state };
      effects = next.effects;
    }
    for (const effect of effects) this.#ask(effect, event.at);
    const now =
      this.#machine.rules === 'safe' ? stateText(this.#machine.state) : literalStateText(this.#machine.state);
    const state = now === this.#shown ? [] : [`= ${now}`];
    this.#shown = now;
    return [...state, ...effects.map(effectText)];
  }

  #answer({ kind }: Event): void {
    switch (kind) {
      case 'read':
      case 'read-failed':
        delete this.#asked.read;
        return;
      case 'written':
        if (this.#record !== undefined) this.land();
        delete this.#asked.record;
        return;
      case 'write-failed':
        delete this.#asked.record;
        return;
      case 'slot-written':
        this.#disk.writeSlot(this.#identity.index, this.#slot!);
        delete this.#asked.slot;
        return;
      case 'slot-write-failed':
        delete this.#asked.slot;
        return;
      case 'tick':
        delete this.#asked.wake;
        return;
      default:
    }
  }

  #ask(effect: Effect, at: number): void {
    if (effect.do === 'read') this.#asked.read = at;
    if (effect.do === 'wake') this.#asked.wake = effect.at;
    if (effect.do === 'write-record') [this.#asked.record, this.#record] = [at, effect.record];
    if (effect.do === 'write-slot') [this.#asked.slot, this.#slot] = [at, effect.slot];
  }
}
