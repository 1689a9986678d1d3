import { execa } from 'execa';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs the `lab` program as a user does, on processes and over the gate alone unless `env` says otherwise. */
export function lab(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return execa(process.execPath, ['--disable-warning=ExperimentalWarning', `${root}lab/main.ts`, ...argv], {
    reject: false,
    cwd: root,
    stdin: 'ignore',
    timeout: 110_000,
    env: { LAB_ENGINE: 'process', LAB_STORAGE: 'nbd', ...env },
  });
}

/** Resolves when the program has said something that fits; rejects when it ends first. */
export async function says(program: ReturnType<typeof lab>, what: RegExp): Promise<void> {
  let said = '';
  for await (const chunk of program.stdout.iterator({ destroyOnReturn: false })) {
    said += String(chunk);
    if (what.test(said)) return;
  }
  throw new Error(`it ended without saying ${what}; it said:\n${said}`);
}
