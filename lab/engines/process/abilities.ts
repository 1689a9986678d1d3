import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { askUnixSocket } from '../../control/ask.ts';
import { type Abilities, noneOfThem, type Tried, tryOut } from '../ability.ts';
import { formatOwner, ownerOf } from '../owner.ts';
import { programs } from '../programs.ts';
import { takeAddresses, NBD_PORT } from './addresses.ts';
import { MARK, marked, OWNER, signalUntil } from './marked-processes.ts';
import { probeLink } from './probe-link.ts';
import { labFolder } from './reaper.ts';
import { Relay } from './relay.ts';

const SILENCE_MS = 150;

/**
 * Tries out on a child process and on a link of its own what faults do to servers and links: with the same code. Both are
 * gone when this resolves; a child of a killed process is found by `lab down --all`, and ends by itself.
 */
export async function tryAbilities(): Promise<Abilities> {
  if (process.platform !== 'linux')
    return noneOfThem(`needs Linux: a server is found by its mark in /proc (this is ${process.platform})`);
  const [signals, link, hold] = [await trySignals(), await tryLink(), await tryOut(trySocket)];
  return { end: signals.end, freeze: signals.stop, stall: signals.stop, slow: signals.slow, ...link, hold };
}

async function trySignals(): Promise<{ stop: Tried; slow: Tried; end: Tried }> {
  const mark = `doctor-${randomBytes(4).toString('hex')}/trial`;
  const env = { ...process.env, [MARK]: mark, [OWNER]: formatOwner(ownerOf(process.pid)) };
  const wait = 'setTimeout(() => {}, 20_000)';
  const child = spawn(process.execPath, ['-e', wait], { stdio: 'ignore', detached: true, env });
  try {
    await once(child, 'spawn');
    const stop = await tryOut(async () => {
      const hit = await signalUntil(
        () => marked(mark),
        'SIGSTOP',
        ({ state }) => state === 'T',
      );
      if (hit === 0) throw new Error('a child process was not found by its mark in /proc');
      await signalUntil(
        () => marked(mark),
        'SIGCONT',
        ({ state }) => state !== 'T',
      );
      return 'a process was seen stopped, and running again';
    });
    const slow = await tryOut(async () => {
      for (const word of ['on', 'off']) {
        const argv = [word, String(child.pid), ...(word === 'on' ? ['/dev/null'] : [])];
        const { exitCode, stderr } = await execa(programs.brake, argv, { reject: false });
        if (exitCode !== 0) throw new Error(`strace cannot look into a process: ${stderr}`);
      }
      return 'a process was slowed down, and let go';
    });
    const end = await tryOut(async () => {
      const hit = await signalUntil(
        () => marked(mark),
        'SIGKILL',
        () => false,
      );
      if (hit === 0) throw new Error('a child process was not found by its mark in /proc');
      return 'a process was killed, and seen gone';
    });
    return { stop, slow, end };
  } finally {
    child.kill('SIGKILL');
  }
}

/** The gate is asked over a Unix socket in the lab's folder. */
async function trySocket(): Promise<string> {
  const folder = await labFolder();
  const socket = join(folder, 'gate.sock');
  const gate = createHttpServer((_, answer) => void answer.end('{}'));
  try {
    await once(gate.listen(socket), 'listening');
    await askUnixSocket(socket, 'GET', '/', undefined, 2000);
    return 'a control socket was asked, and answered';
  } finally {
    gate.close().closeAllConnections();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A link as the lab has it: two loopback addresses, with a relay from one to the other. */
async function tryLink(): Promise<{ drop: Tried; reset: Tried }> {
  try {
    await using own = new AsyncDisposableStack();
    const { storage, server } = own.use(await takeAddresses(process.pid));
    const greeter = createServer((socket) => void socket.on('error', () => {}).end('greeting'));
    own.defer(() => void greeter.close());
    await once(greeter.listen(NBD_PORT, storage), 'listening');
    const listen = { host: server(0), port: NBD_PORT };
    const to = { host: storage, port: NBD_PORT, localAddress: server(0) };
    const relay = own.use(await Relay.open({ listen, to }));
    const met = async (how: 'open' | 'drop' | 'reset', wanted: string) => {
      relay.set(how);
      const seen = await probeLink(server(0), NBD_PORT, how === 'open' ? 2000 : SILENCE_MS);
      if (seen !== wanted) throw new Error(`a connection through the relay met ${seen}, not ${wanted}`);
      return `a new connection met ${seen}`;
    };
    await met('open', 'greeting');
    return {
      drop: await tryOut(() => met('drop', 'silence')),
      reset: await tryOut(() => met('reset', 'reset')),
    };
  } catch (error) {
    const not: Tried = {
      works: false,
      seen: `no link between loopback addresses: ${(error as Error).message}`,
    };
    return { drop: not, reset: not };
  }
}
