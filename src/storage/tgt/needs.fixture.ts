import { spawnSync } from 'node:child_process';

/** Skips a suite, saying so, where a program is missing. tgtd is where only the superuser looks for programs. */
export function needs(context: Mocha.Context, program: string, debianPackage: string): void {
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  const found = spawnSync('sh', ['-c', `command -v ${program}`], { env: { PATH: path } });
  if (found.status === 0) return;
  console.log(`        skipped: no ${program}; apt-get install ${debianPackage}`);
  context.skip();
}
