export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Scenarios as `lab run --json` counted them. Only an exit code of 0 with scenarios that were run is a pass: a run that
 * ended badly or ran nothing has a failure, whatever its summary says.
 */
export function countScenarios(exitCode: number, json: string): Counts {
  const ran = scenariosIn(json);
  const passed = ran.filter(({ asExpected }) => asExpected === true).length;
  const failed = ran.length - passed;
  const endedBadly = exitCode !== 0 || ran.length === 0;
  return { passed, failed: endedBadly ? Math.max(failed, 1) : failed, skipped: 0 };
}

function scenariosIn(json: string): { asExpected?: unknown }[] {
  try {
    const { scenarios } = JSON.parse(json) as { scenarios?: unknown };
    return Array.isArray(scenarios) ? (scenarios as { asExpected?: unknown }[]) : [];
  } catch {
    return [];
  }
}
