import type { LabContainer } from './container.ts';

const PROGRAM = '/usr/local/lib/arbiter-lab/brake';

/** Runs images/lab/bin/brake in a container; resolves with what it printed. */
export async function runBrake(container: LabContainer, argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await container.exec([PROGRAM, ...argv]);
  if (code !== 0) throw new Error(`${container.name}: brake ${argv[0]} ended with ${code}: ${stderr.trim()}`);
  return stdout;
}
