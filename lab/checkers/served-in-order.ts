import type { JournalLine } from '../../src/ports/journal.ts';
import type { Checker, History } from '../history/events.ts';
import { clockDoubt } from './clocks-agree.ts';
import { Findings } from './findings.ts';
import { isLiteral } from './literal.ts';
import { type Instants, instantsOf } from './instants.ts';

/**
 * R7, from the journals and the storage node's record: an owner obtains the data area, reads the record once more, and
 * only then starts its service; and nothing is written under an epoch before that. (The literal protocol has no second
 * read, so it is let in and starts.)
 */
export const servedInOrder: Checker = (history) => {
  const findings = new Findings(
    'served-in-order',
    'every service was started after its owner had been let in and had read the record again',
  );
  const instants = instantsOf(history);
  const doubt = clockDoubt(history);
  const broken: Broken = (sentence, t) => {
    if (doubt === undefined) findings.violated(sentence, t);
    else findings.unknown(`${sentence}; but ${doubt}`);
  };
  let started = 0;
  for (const [server, lines] of history.journals) {
    const order = new Order(broken, instants, server, isLiteral(history));
    order.follow(lines);
    started += order.started;
    judgeAccess(findings, history, server, lines, instants);
    judgeWriters(findings, broken, history, server, lines, instants);
  }
  if (started > 0)
    findings.holds(
      `${started} ${started === 1 ? 'service' : 'services'}, each started when its owner had been let in and verified`,
    );
  findings.count({ servicesStarted: started });
  return findings.result('no service was started');
};

type Broken = (sentence: string, t: number) => void;

/** Follows one journal: what of R7 has been done for the epoch in hand. */
class Order {
  /** Services that were started as they have to be. */
  started = 0;
  readonly #broken: Broken;
  readonly #at: Instants['at'];
  readonly #server: string;
  readonly #isLiteral: boolean;
  #granted: { epoch: number; t: number } | undefined;
  #verified: { epoch: number; t: number; grantedT: number } | undefined;
  /** Verified, and the cycle whose read showed it is not told to its end yet. */
  #open: { epoch: number; t: number; grantedT: number } | undefined;

  constructor(broken: Broken, { at }: Instants, server: string, isLiteral: boolean) {
    this.#broken = broken;
    this.#at = at;
    this.#server = server;
    this.#isLiteral = isLiteral;
  }

  follow(lines: readonly JournalLine[]): void {
    for (const line of lines) this.#take(line);
  }

  #take(line: JournalLine): void {
    if (line.event === 'agent-started') this.#granted = this.#verified = this.#open = undefined;
    else if (line.event === 'access') this.#access(line);
    else if (line.event === 'lease') this.#heartbeat(line);
    else if (line.event === 'heartbeat-failed' || line.event === 'role') this.#open = undefined;
    else if (line.event === 'service' && line.phase === 'starting') this.#starting(line);
  }

  #access({ epoch, outcome, t }: Extract<JournalLine, { event: 'access' }>): void {
    if (outcome === 'granted') this.#granted = { epoch, t };
    else if (outcome !== 'verified') this.#granted = this.#verified = undefined;
    else if (this.#granted?.epoch === epoch)
      this.#open = this.#verified = { epoch, t, grantedT: this.#granted.t };
    else
      this.#broken(`${this.#server} verified epoch ${epoch} at ${this.#at(t)} without having been let in`, t);
  }

  /** The read that verified belongs to a heartbeat, and the lease that this made says when it began. */
  #heartbeat({ epoch, startedAt, t }: Extract<JournalLine, { event: 'lease' }>): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined || open.epoch !== epoch || (startedAt >= open.grantedT && startedAt <= open.t))
      return;
    this.#broken(
      `${this.#server} was let in under epoch ${epoch} at ${this.#at(open.grantedT)} and verified it at ${this.#at(open.t)} ` +
        `by a read from ${this.#at(startedAt)}, not one in between`,
      t,
    );
  }

  #starting({ epoch, t }: Extract<JournalLine, { event: 'service' }>): void {
    const done = this.#isLiteral ? this.#granted : this.#verified;
    const what = `${this.#server} started its service under epoch ${epoch} at ${this.#at(t)}`;
    if (done?.epoch === epoch) this.started += 1;
    else this.#broken(`${what} without having ${this.#isLiteral ? 'been let in' : 'verified that epoch'}`, t);
  }
}

/** The gate let the agent in while it was asking, and not at another time. */
function judgeAccess(
  findings: Findings,
  history: History,
  server: string,
  lines: readonly JournalLine[],
  { at }: Instants,
): void {
  const isGated = history.lab.some(
    (event) => event.event === 'lab-started' && event.agent.fencing !== 'none',
  );
  if (!isGated) return;
  let askedT: number | undefined;
  for (const line of lines) {
    if (line.event !== 'access') continue;
    if (line.outcome === 'obtaining') askedT = line.t;
    if (line.outcome !== 'granted') continue;
    const { epoch, t } = line;
    const isLetIn = history.audit.some(
      (entry) =>
        entry.event === 'admitted' &&
        entry.node === server &&
        entry.epoch === epoch &&
        entry.t >= (askedT ?? Infinity) &&
        entry.t <= t,
    );
    if (!isLetIn)
      findings.unknown(
        `${server} says it was let in under epoch ${epoch} by ${at(t)}, and the storage node did not let it in then`,
      );
  }
}

/** Whoever writes runs a service that its journal tells of, started before. */
function judgeWriters(
  findings: Findings,
  broken: Broken,
  history: History,
  server: string,
  lines: readonly JournalLine[],
  { at }: Instants,
): void {
  const judged = new Set<number>();
  for (const line of history.audit) {
    if (line.event !== 'write' || line.node !== server || judged.has(line.epoch)) continue;
    judged.add(line.epoch);
    const { epoch, beganAt } = line;
    const start = lines.find(
      (each) => each.event === 'service' && each.phase === 'starting' && each.epoch === epoch,
    );
    const wrote = `${server} wrote under epoch ${epoch} from ${at(beganAt)} on`;
    if (start === undefined)
      findings.unknown(`${wrote}, and its journal does not tell of a service under it`);
    else if (start.t > beganAt) broken(`${wrote}, before its service was started at ${at(start.t)}`, beganAt);
  }
}
