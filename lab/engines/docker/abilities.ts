import type Docker from 'dockerode';
import { randomBytes } from 'node:crypto';
import { type Abilities, noneOfThem, tryOut } from '../ability.ts';
import { runBrake } from './brake.ts';
import { LabContainer } from './container.ts';
import { Link } from './link.ts';
import { reap, startReaperProcess } from './reaper.ts';
import { Server } from './server.ts';
import { ASK_PROGRAM } from './ask.ts';
import { NBD_PORT, trialOptions } from './topology.ts';

/** The first process of the trial container. */
const INIT = '1';

/** Nobody listens there; what a connection to it meets is the cut's doing all the same, for packets are counted. */
const NOBODY = '127.9.9.9';

/**
 * Tries out on one container, which has no network but its own loopback, what faults do to servers and links: with the
 * same code. The container is gone when this resolves, and when this process is killed before.
 */
export async function tryAbilities(docker: Docker, image: string): Promise<Abilities> {
  const labId = `doctor-${randomBytes(4).toString('hex')}`;
  const reaper = startReaperProcess(labId);
  try {
    const options = trialOptions({ labId, image });
    const container = await LabContainer.create(docker, 'trial', options, { onLine() {}, onEnd() {} });
    await container.start();
    return await tryOn(new Server(container));
  } catch (error) {
    return noneOfThem((error as Error).message);
  } finally {
    await reap({ labId }, docker);
    reaper.dismiss();
  }
}

/** One after the other: what is tried last is what leaves the container without processes. */
async function tryOn(server: Server): Promise<Abilities> {
  const { container } = server;
  const link = new Link(container, NOBODY, NBD_PORT);
  const cut = async (how: 'drop' | 'reset') => {
    const seen = await link.cut(how);
    await link.mend(false);
    return seen;
  };
  const drop = await tryOut(() => cut('drop'));
  const reset = await tryOut(() => cut('reset'));
  const hold = await tryOut(async () => {
    const { code } = await container.exec(['sh', '-c', `command -v nc && test -x ${ASK_PROGRAM}`]);
    if (code !== 0) throw new Error(`the image has no ${ASK_PROGRAM}, or no nc`);
    return 'what asks the gate is in the image';
  });
  const stall = await tryOut(async () => {
    await server.stall(['service']);
    await server.unstall(['service']);
    return 'a process was seen stopped, and running again';
  });
  const slow = await tryOut(async () => {
    await runBrake(container, ['on', INIT, '/dev/null']);
    await runBrake(container, ['off', INIT]);
    return 'a process was slowed down, and let go';
  });
  const freeze = await tryOut(async () => {
    await server.freeze();
    await server.thaw();
    return 'a container was seen frozen, and thawed';
  });
  const end = await tryOut(async () => {
    await server.kill();
    return 'a container was killed, and seen ended';
  });
  return { end, freeze, stall, drop, reset, hold, slow };
}
