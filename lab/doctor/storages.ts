import { missingFor, storageKinds } from '../engines/storage.ts';
import { aptInstall } from './apt.ts';
import type { Finding } from './finding.ts';

/** What each storage needs on processes, beside our own programs; containers bring it. */
export async function storageFindings(missing = missingFor): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const storage of storageKinds) {
    const lacks = await missing('process', storage);
    const thing = `storage ${storage}`;
    if (lacks.length === 0) {
      findings.push({ thing, state: 'ok', why: `--storage ${storage} can run here` });
      continue;
    }
    const bring = await aptInstall(lacks.map(({ pack }) => pack));
    const why = `left out: no ${lacks.map(({ program }) => program).join(' and ')}`;
    findings.push({ thing, state: 'missing', why, ...(bring === undefined ? {} : { bring }) });
  }
  return findings;
}
