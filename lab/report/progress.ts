import type { LabEvent } from '../history/events.ts';
import type { Job } from '../run/jobs.ts';
import type { ScenarioOutcome } from '../run/session.ts';
import { cameOutAsExpected } from './summary.ts';
import { wrapped } from '../wrapped.ts';

/** What a person watching the terminal is told while scenarios run: plain lines of at most 80 columns. */
export class Progress {
  readonly #print: (text: string) => void;
  #startedT = 0;

  constructor(print: (text: string) => void) {
    this.#print = print;
  }

  say(text: string): void {
    this.#print(wrapped(text, 80, '  '));
  }

  /** `where`: what tells it from others of its name, such as its round. */
  scenario({ definition }: Job, where: readonly string[]): void {
    this.#startedT = 0;
    this.#print('');
    const which = where.length === 0 ? '' : ` (${where.join(', ')})`;
    this.say(`${definition.name}${which}: ${definition.claim}`);
  }

  event(event: LabEvent): void {
    if (event.event === 'lab-started') this.#startedT = event.t;
    const text = sentence(event);
    if (text === undefined) return;
    const seconds = ((event.t - this.#startedT) / 1e9).toFixed(1).padStart(7);
    this.#print(wrapped(`${seconds} s  ${text}`, 80, ' '.repeat(11)));
  }

  outcome(outcome: ScenarioOutcome): void {
    const { judgement, record, trouble, brokeOff } = outcome;
    const right = cameOutAsExpected(outcome);
    const verdict = `${judgement.verdict}${record.expected === 'valid' ? '' : ` (expected: ${record.expected})`}`;
    this.#print(
      `        =  ${verdict}${right ? '' : ', not as expected'} in ${outcome.seconds.toFixed(1)} s`,
    );
    if (trouble !== undefined) this.#print(wrapped(`           ${trouble}`, 80, ' '.repeat(11)));
    if (brokeOff !== undefined) this.#print(wrapped(`           broke off: ${brokeOff}`, 80, ' '.repeat(13)));
    const telling = judgement.results.filter((r) =>
      right ? r.verdict === 'violated' : r.verdict !== 'valid',
    );
    for (const result of telling) {
      this.#print(
        wrapped(`           ${result.checker}: ${result.evidence[0] ?? result.claim}`, 80, ' '.repeat(13)),
      );
    }
  }
}

/** The events a person wants to see, in words. */
function sentence(event: LabEvent): string | undefined {
  switch (event.event) {
    case 'fault':
      return event.phase === 'requested'
        ? `${event.fault} ${event.target}: ${event.detail}`
        : `${event.fault} ${event.target} ${event.phase}: ${event.detail}`;
    case 'takeover-seen': {
      const ms = Math.round((event.servingT - event.sinceT) / 1e6);
      return `${event.to} took over from ${event.from} (epoch ${event.epoch}), serving after ${ms} ms`;
    }
    case 'takeover-missed':
      return `nobody took over from ${event.from} within ${Math.round(event.waitedMs)} ms`;
    case 'serving-again':
      return `healed; ${event.server} serves (epoch ${event.epoch})`;
    case 'expected':
      return `${event.met ? 'as expected' : 'NOT as expected'}: ${event.what}: ${event.detail}`;
    case 'stall':
      return event.gapMs >= 150 ? `the host did not run the lab for ${event.gapMs} ms` : undefined;
    case 'note':
      return event.text;
    default:
      return undefined;
  }
}
