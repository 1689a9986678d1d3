/** The files in the folder of one scenario. The lab writes them, the checkers read them, and nothing else counts. */
export const historyFiles = {
  scenario: 'scenario.json',
  lab: 'lab.jsonl',
  client: 'client.jsonl',
  audit: 'audit.jsonl',
  /** Standard error of every member, and lines of standard output that could not be read: `<who>: <text>`. */
  noise: 'noise.log',
  quorum: 'quorum.img',
  data: 'data.img',
  verdict: 'verdict.json',
  report: 'report.html',
} as const;

/** The files in the folder of a run, beside the folders of its scenarios. */
export const runFiles = { summary: 'summary.json', junit: 'junit.xml', report: 'report.html' } as const;

/** Where the scenarios of a run over several storages are kept, each storage's by themselves. */
export function storageFolder(storage: string): string {
  return `storage-${storage}`;
}

/** A folder between that of a run and those of its scenarios: of one round, or of one storage. */
export function isFolderOfRun(name: string): boolean {
  return /^(round-\d+|storage-[a-z0-9]+)$/.test(name);
}

export function journalFile(server: string): string {
  return `journal-${server}.jsonl`;
}
