import { globSync, writeFileSync } from 'node:fs';
import Mocha from 'mocha';

/**
 * Runs the tests that stand beside their files. `node test/unit.ts [--docker] [--report FILE] [file...]`: with --docker the
 * tests that need an engine, otherwise all the others.
 */
const args = process.argv.slice(2);
const docker = take('--docker') !== undefined;
const report = take('--report', 1);
const files =
  args.length > 0
    ? args
    : globSync('{src,lab,test}/**/*.test.ts').filter((file) => file.endsWith('.docker.test.ts') === docker);

// Without this Mocha swallows what would end the program: a rejection that nobody handles.
process.on('unhandledRejection', (reason) => {
  throw reason;
});

const mocha = new Mocha({
  timeout: 30_000,
  forbidOnly: true,
  reporter: process.stdout.isTTY ? 'spec' : 'dot',
});
for (const file of files.sort()) mocha.addFile(file);
await mocha.loadFilesAsync();
const runner = mocha.run((failures) => {
  const { passes = 0, pending = 0, tests = 0 } = runner.stats ?? {};
  // A failed hook is a failure without a test of its own, so failures are the runner's count and not tests minus passes.
  if (report !== undefined)
    writeFileSync(report, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
  if (tests === 0) console.error('no test was run');
  process.exitCode = failures > 0 || tests === 0 ? 1 : 0;
});

function take(flag: string, values = 0): string | undefined {
  const at = args.indexOf(flag);
  return at < 0 ? undefined : args.splice(at, 1 + values)[values];
}
