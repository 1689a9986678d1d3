import { execa } from 'execa';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const TARGET = 'iqn.2026-11.example.arbiter:bench';

/** tgtd on loopback over one file as LUN 1, for anybody. Resolves with the unit's URI; ended by `signal`. */
export async function startTgt(folder: string, image: string, signal: AbortSignal): Promise<string> {
  const port = await freePort();
  const env = { TGT_IPC_SOCKET: join(folder, 'tgt-admin') };
  const argv = ['-f', '-C', '1', '--iscsi', `portal=127.0.0.1:${port}`];
  const quiet = {
    env,
    cancelSignal: signal,
    reject: false,
    forceKillAfterDelay: 2000,
    stdio: 'ignore',
  } as const;
  const running = execa('tgtd', argv, quiet);
  let isGone = false;
  void running.finally(() => {
    isGone = true;
  });
  const admin = (...args: string[]) =>
    execa('tgtadm', ['-C', '1', '--lld', 'iscsi', ...args], { env, reject: false });
  let made = await admin('--op', 'new', '--mode', 'target', '--tid', '1', '-T', TARGET);
  for (let attempt = 0; made.exitCode !== 0; attempt++) {
    if (isGone || attempt === 100) throw new Error(`tgtd does not answer: ${made.stderr || 'it has ended'}`);
    await delay(50);
    made = await admin('--op', 'new', '--mode', 'target', '--tid', '1', '-T', TARGET);
  }
  for (const args of [
    ['--op', 'new', '--mode', 'logicalunit', '--tid', '1', '--lun', '1', '-b', image],
    ['--op', 'bind', '--mode', 'target', '--tid', '1', '-I', 'ALL'],
  ]) {
    const { exitCode, stderr } = await admin(...args);
    if (exitCode !== 0) throw new Error(`tgtadm ${args.join(' ')}: ${stderr}`);
  }
  return `iscsi://127.0.0.1:${port}/${TARGET}/1`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
