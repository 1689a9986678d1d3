import { BY_HAND, type Checker, type History } from '../history/events.ts';
import { type FaultLife, faultsOf } from './fault-windows.ts';
import { Findings } from './findings.ts';
import { instantsOf } from './instants.ts';

/**
 * A fault that did not take effect, or could not be healed, makes everything that was seen mean something else. Healed
 * is not recovered: a server that was hurt has to be seen at work again, unless its power was cut later.
 */
export const faultsEffective: Checker = (history) => {
  const findings = new Findings(
    'faults-effective',
    'every fault took effect, was healed, and the server it had hit was seen at work again',
  );
  const { at } = instantsOf(history);
  const faults = faultsOf(history);
  for (const life of faults) {
    const { id, fault, target, first, failed, effective, healed } = life;
    const name = `fault ${id} (${fault} on ${target}, asked for at ${at(first.t)})`;
    if (failed !== undefined) judgeFailed(findings, history, `${name} failed: ${failed.detail}`);
    else if (life.requested === undefined)
      findings.unknown(`${name} was never asked for, by what the lab tells`);
    else if (effective === undefined) findings.unknown(`${name} was never seen to take effect`);
    else if (healed === undefined && !isPoweredOff(life, faults)) findings.unknown(`${name} was not healed`);
    else if (!isRecovered(life, faults, history))
      findings.unknown(`${name} was healed, and ${target} was never seen at work again`);
    else findings.holds(`${name}: ${effective.detail}`);
  }
  findings.count({ faults: faults.filter(({ effective }) => effective !== undefined).length });
  return findings.result('no fault was asked for');
};

/** In a scenario it means that what was seen is not what it is about. Whoever hurts by hand was told, and went on knowing. */
function judgeFailed(findings: Findings, { scenario }: History, sentence: string): void {
  if (scenario.name === BY_HAND) findings.holds(`${sentence}, as whoever asked for it was told`);
  else findings.unknown(sentence);
}

function isRecovered(life: FaultLife, faults: readonly FaultLife[], history: History): boolean {
  // The storage node has a checker of its own: every healing of it is a start in its record.
  if (life.target === 'storage' || life.recovered !== undefined) return true;
  return isPoweredOff(life, faults) || isLetThrough(life, history);
}

/** What a fault had done to a server ends with the server's power. */
function isPoweredOff({ target, effective }: FaultLife, faults: readonly FaultLife[]): boolean {
  return faults.some(
    (later) =>
      (later.fault === 'kill' || later.fault === 'stop' || later.fault === 'restart') &&
      later.target === target &&
      later.effective !== undefined &&
      later.effective.t > effective!.t,
  );
}

/** A write that was held at the gate is over when the gate let it through: its record says so. */
function isLetThrough({ fault, effective, healed }: FaultLife, { audit }: History): boolean {
  if (fault !== 'hold-write' && fault !== 'hold-data') return false;
  const rule = /^rule (\S+) /.exec(effective!.detail)?.[1];
  return audit.some(
    (line) =>
      line.event === 'rule' &&
      line.id === rule &&
      line.state === 'released' &&
      line.t > effective!.t &&
      line.t <= healed!.t,
  );
}
