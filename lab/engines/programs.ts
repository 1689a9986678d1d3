import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);

/** The programs a lab is made of. The lab knows the arbiter only as one of them. */
export const programs = {
  arbiter: fileURLToPath(new URL('src/commands/main.ts', root)),
  ledger: fileURLToPath(new URL('lab/workload/ledger.ts', root)),
  client: fileURLToPath(new URL('lab/workload/client.ts', root)),
  queueWrites: fileURLToPath(new URL('lab/workload/queue-writes.ts', root)),
  trespass: fileURLToPath(new URL('lab/workload/trespass.ts', root)),
  brake: fileURLToPath(new URL('images/lab/bin/brake', root)),
  keepCompiled: fileURLToPath(new URL('lab/engines/process/keep-compiled.ts', root)),
  reaper: fileURLToPath(new URL('lab/engines/process/reaper-process.ts', root)),
};

export const projectRoot = fileURLToPath(root);
