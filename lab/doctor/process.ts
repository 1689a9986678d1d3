import { tryAbilities } from '../engines/process/abilities.ts';
import { faultFindings, firstImpossible } from './faults.ts';
import type { EngineFindings, Finding } from './finding.ts';
import { storageFindings } from './storages.ts';

/** Child processes need Linux (a server is found in /proc by its mark) and loopback addresses; both are tried out. */
export async function processFindings(): Promise<EngineFindings> {
  const abilities = await tryAbilities();
  const faults = faultFindings('process', abilities);
  const found = (thing: string, ability: 'freeze' | 'drop'): Finding => {
    const { works, seen } = abilities[ability];
    return { thing, state: works ? 'ok' : 'impossible', why: seen };
  };
  const findings = [found('processes', 'freeze'), found('links', 'drop'), ...(await storageFindings())];
  return { findings, faults, obstacle: firstImpossible(faults) };
}
