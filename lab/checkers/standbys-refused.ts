import type { AuditLine, Grant } from '../../src/ports/audit.ts';
import type { Checker } from '../history/events.ts';
import { Findings } from './findings.ts';
import { type Instants, instantsOf } from './instants.ts';

type Admitted = Extract<AuditLine, { event: 'admitted' }>;

/**
 * The published method's fifth claim, from the audit: only the owner in the record is let into the data area, and the
 * gate's grants follow the record upwards. With the gate's fencing off nobody is refused; what is then checked is
 * whether those who came were the owner in the record.
 */
export const standbysRefused: Checker = (history) => {
  const findings = new Findings(
    'standbys-refused',
    'only the owner in the record was let into the data area',
  );
  const watch = new Watch(findings, instantsOf(history));
  for (const line of history.audit) watch.see(line);
  if (watch.admissions > 0 && findings.intact) {
    findings.holds(
      `${watch.admissions} admissions, each of the owner in the record; ${watch.refused} attempts of others refused`,
    );
  }
  findings.count({ admissions: watch.admissions, grants: watch.grants });
  return findings.result('the audit shows nobody being let into the data area');
};

/** Follows the audit line by line: who owns the record, who holds the grant, who is let in. */
class Watch {
  admissions = 0;
  refused = 0;
  grants = 0;
  readonly #findings: Findings;
  readonly #instants: Instants;
  #fencing = true;
  #gateStarts = 0;
  #granted: Grant | null = null;
  #drained = false;
  /** The gate came back, and has granted nothing since: its first grant may be of what it found in the record then. */
  #mayHaveMissed = false;
  #owner: { node: string; epoch: number } | undefined;
  readonly #owners = new Set<string>();
  readonly #claims = new Set<string>();

  constructor(findings: Findings, instants: Instants) {
    this.#findings = findings;
    this.#instants = instants;
  }

  see(line: AuditLine): void {
    switch (line.event) {
      case 'gate-started':
        this.#restart(line);
        break;
      case 'quorum-write':
        if (line.outcome === 'ok' && line.record?.status === 1) this.#own(line.record);
        else if (line.outcome === 'ok' && line.record !== null) this.#claims.add(nameOf(line.record));
        break;
      case 'grant':
        this.#grant(line);
        break;
      case 'drained':
        if (line.epoch === this.#granted?.epoch) this.#drained = true;
        break;
      case 'admitted':
        this.admissions += 1;
        if (this.#fencing) this.#admitByGrant(line);
        else this.#admitByRecord(line);
        break;
      case 'refused':
        this.refused += 1;
        break;
      default:
    }
  }

  #restart(line: Extract<AuditLine, { event: 'gate-started' }>): void {
    this.#gateStarts += 1;
    this.#fencing = line.fencing;
    const before = this.#granted?.epoch ?? 0;
    const now = line.granted?.epoch ?? 0;
    const when = this.#instants.at(line.t);
    if (now < before) {
      this.#findings.violated(
        `the gate forgot its grant: it started at ${when} with epoch ${now}, after it had granted ${before}`,
        line.t,
      );
    }
    // A grant is told after it was made durable, but the write of the record that it goes by was told before.
    if (line.granted !== null && now > before && !this.#owners.has(nameOf(line.granted))) {
      this.#findings.violated(
        `the gate started at ${when} with epoch ${now} granted to ${line.granted.node}, and the record never showed it`,
        line.t,
      );
    }
    this.#granted = line.granted;
    // What it reads at its start may be the one write of the record that the killed gate could not tell of any more.
    this.#mayHaveMissed = this.#gateStarts > 1;
    // Its processes from before are gone, so nothing of anybody is on its way.
    this.#drained = true;
  }

  #own(record: { node: string; epoch: number }): void {
    this.#owner = record;
    this.#owners.add(nameOf(record));
  }

  #grant(line: Extract<AuditLine, { event: 'grant' }>): void {
    this.grants += 1;
    const when = this.#instants.at(line.t);
    const before = this.#granted?.epoch ?? 0;
    if (line.epoch <= before) {
      this.#findings.violated(
        `epoch ${line.epoch} was granted at ${when}, after epoch ${before}: grants only go up`,
        line.t,
      );
    }
    if (!this.#owners.has(nameOf(line))) {
      const sentence = `epoch ${line.epoch} was granted to ${line.node} at ${when}, and the record never showed it`;
      if (!this.#mayHaveMissed) this.#findings.violated(sentence, line.t);
      else if (!this.#claims.has(nameOf(line))) this.#findings.unknown(`${sentence}, nor even a claim`);
    }
    this.#mayHaveMissed = false;
    this.#granted = { node: line.node, epoch: line.epoch, incarnation: line.incarnation };
    this.#drained = false;
  }

  #admitByGrant(line: Admitted): void {
    const granted = this.#granted;
    const when = this.#instants.at(line.t);
    const isGranted =
      granted !== null &&
      line.node === granted.node &&
      line.epoch === granted.epoch &&
      line.incarnation === granted.incarnation;
    if (!isGranted) {
      const to = granted === null ? 'nobody' : `data@${granted.node}.${granted.epoch}.${granted.incarnation}`;
      this.#findings.violated(`${line.export} was let in at ${when}, while the grant was ${to}'s`, line.t);
    } else if (!this.#drained) {
      this.#findings.violated(
        `${line.export} was let in at ${when}, before everything of older owners was seen to be through`,
        line.t,
      );
    }
  }

  #admitByRecord(line: Admitted): void {
    const owner = this.#owner;
    if (owner !== undefined && owner.node === line.node && owner.epoch === line.epoch) return;
    const inRecord = owner === undefined ? 'nobody' : `${owner.node} with epoch ${owner.epoch}`;
    this.#findings.violated(
      `${line.export} was let in at ${this.#instants.at(line.t)}, while the record named ${inRecord} (the gate's fencing is off)`,
      line.t,
    );
  }
}

function nameOf({ node, epoch }: { node: string; epoch: number }): string {
  return `${node} ${epoch}`;
}
