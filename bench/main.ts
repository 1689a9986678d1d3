import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Bench } from './report.ts';

// As the lab itself has it: a standby that is up has had its programs compiled before.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(
  new URL('../node_modules/.cache/arbiter-lab', import.meta.url),
);

/**
 * `make bench [ARGS=NAME...]`: every figure beside its floor or its peer, taken in the same run. Only ratios mean anything:
 * absolute times vary by two from run to run. Bounded, and ends by itself.
 */
const benches: Readonly<Record<string, () => Promise<{ run(bench: Bench): Promise<void> }>>> = {
  failover: () => import('./failover.ts'),
  client: () => import('./client.ts'),
  initiator: () => import('./initiator.ts'),
  gate: () => import('./gate.ts'),
  idle: () => import('./idle.ts'),
  standby: () => import('./standby.ts'),
  standbys: () => import('./standbys.ts'),
  lab: () => import('./lab.ts'),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(
    `bench: nothing is called ${unknown.join(', ')}; there are: ${Object.keys(benches).join(', ')}`,
  );
  process.exit(64);
}
console.log(`node ${process.version} on ${process.arch}, ${availableParallelism()} cores`);
for (const [name, load] of Object.entries(benches)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const bench = new Bench(name);
  try {
    await (await load()).run(bench);
  } catch (error) {
    console.error(`bench: ${name}: ${(error as Error).message}`);
    process.exitCode = 1;
  } finally {
    await bench.close();
  }
}
