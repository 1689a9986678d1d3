import type { Checker } from '../history/events.ts';
import { type ActiveInterval, activeIntervals } from '../history/leases.ts';
import { Findings } from './findings.ts';
import { inMs, instantsOf } from './instants.ts';

/** Promise (a): at no instant are two servers active and within their lease. By the servers' own journals. */
export const singleActive: Checker = (history) => {
  const findings = new Findings(
    'single-active',
    'at no instant were two servers active and within their lease',
  );
  const { at } = instantsOf(history);
  const intervals = activeIntervals(history);
  for (const [earlier, later] of overlaps(intervals)) {
    const untilT = Math.min(earlier.toT, later.toT);
    findings.violated(
      `${later.server} (epoch ${later.epoch}) was active from ${at(later.fromT)} while ${earlier.server} ` +
        `(epoch ${earlier.epoch}) had been since ${at(earlier.fromT)}: both until ${at(untilT)}, ${inMs((untilT - later.fromT) / 1e6)}`,
      later.fromT,
      [earlier.server, later.server],
    );
  }
  if (intervals.length > 0) {
    const servers = new Set(intervals.map((i) => i.server)).size;
    findings.holds(
      `${intervals.length} active stretches of ${servers} ${servers === 1 ? 'server' : 'servers'}`,
    );
  }
  findings.count({ activeStretches: intervals.length });
  return findings.result('no journal shows a server being active');
};

/** Pairs of different servers that were active at once; `intervals` are in order of their beginning. */
function overlaps(intervals: readonly ActiveInterval[]): [ActiveInterval, ActiveInterval][] {
  const found: [ActiveInterval, ActiveInterval][] = [];
  for (const [i, later] of intervals.entries()) {
    for (const earlier of intervals.slice(0, i)) {
      if (earlier.server !== later.server && later.fromT < earlier.toT) found.push([earlier, later]);
    }
  }
  return found;
}
