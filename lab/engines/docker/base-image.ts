import type Docker from 'dockerode';
import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InfrastructureError } from '../../errors.ts';
import { projectRoot } from '../programs.ts';
import { plainWords } from './connect.ts';
import { buildImage, finished, hasImage, tarOf } from './image-build.ts';
import { machineMirror, machineProxy } from './debian-mirror.ts';

export const NODE_IMAGE = 'node:24-bookworm-slim';
export const SUITE = 'bookworm';
const recipe = join(projectRoot, 'images/base');
/** A registry that is there begins to answer well within this. */
export const PULL_BEGINS_MS = 6000;

export type Say = (text: string) => void;

/** Base image: Debian, Node and the tools of the faults, under a tag that names its recipe. Makes it where it is missing. */
export async function ensureBaseImage(docker: Docker, say: Say): Promise<string> {
  const tag = await baseImageTag();
  if (await hasImage(docker, tag)) return tag;
  const began = performance.now();
  const pulled = await pullNodeImage(docker, say);
  const notPulled = pulled ? await fromNodeImage(docker, tag, say) : `${NODE_IMAGE} could not be pulled`;
  if (notPulled !== undefined) await fromPackages(docker, tag, notPulled, say);
  say(
    `base image ${tag} made in ${Math.round((performance.now() - began) / 1000)} s; it stays for later runs`,
  );
  return tag;
}

export async function baseImageTag(): Promise<string> {
  const hash = createHash('sha256').update(process.arch);
  for (const name of (await readdir(recipe)).sort())
    hash.update(`\0${name}\0`).update(await readFile(join(recipe, name)));
  return `arbiter-lab-base:${SUITE}-${hash.digest('hex').slice(0, 12)}`;
}

async function pullNodeImage(docker: Docker, say: Say): Promise<boolean> {
  if (await hasImage(docker, NODE_IMAGE)) return true;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PULL_BEGINS_MS);
  try {
    const progress = await docker.pull(NODE_IMAGE, { abortSignal: abort.signal });
    clearTimeout(timer);
    say(`pulling ${NODE_IMAGE}`);
    await finished(progress);
    return true;
  } catch (error) {
    const why = abort.signal.aborted
      ? `no answer within ${PULL_BEGINS_MS / 1000} s`
      : plainWords(error as Error);
    say(`${NODE_IMAGE} cannot be pulled (${why})`);
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** Undefined when it worked, otherwise why not: a registry may answer where Debian's packages do not. */
async function fromNodeImage(docker: Docker, tag: string, say: Say): Promise<string | undefined> {
  say(`making the base image from ${NODE_IMAGE}`);
  try {
    await buildImage(docker, recipe, tag, { NODE_IMAGE });
    return undefined;
  } catch (error) {
    const why = `${NODE_IMAGE} could not be completed: ${(error as Error).message}`;
    say(why);
    return why;
  }
}

async function fromPackages(docker: Docker, tag: string, notPulled: string, say: Say): Promise<void> {
  await checkDebootstrap(notPulled);
  say("making the base image from Debian's packages with debootstrap: about 40 s, once");
  const directory = await mkdtemp(join(tmpdir(), 'arbiter-lab-base-'));
  try {
    const rootfs = join(directory, 'rootfs');
    const mirror = machineMirror(SUITE);
    const proxy = machineProxy();
    const script = [join(recipe, 'debootstrap.sh'), rootfs, ...(mirror === undefined ? [] : [mirror])];
    // In a mount namespace of its own: an interrupted debootstrap leaves no mount in the folder that is removed below.
    const ran = await execa('unshare', ['--mount', ...script], {
      reject: false,
      all: true,
      ...(proxy === undefined ? {} : { env: { http_proxy: proxy } }),
    });
    if (ran.exitCode !== 0) {
      throw new InfrastructureError(
        `debootstrap of the base image failed: ${lastLines(ran.all ?? ran.message)}`,
      );
    }
    await addNode(rootfs, directory, say);
    const changes = ['ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'];
    const [repo, version] = tag.split(':');
    await finished(await docker.importImage(tarOf(rootfs), { repo, tag: version, changes }));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function checkDebootstrap(notPulled: string): Promise<void> {
  const lack = await unableToBootstrap();
  if (lack === undefined) return;
  const bring = lack.bring === undefined ? '' : `: ${lack.bring}`;
  throw new InfrastructureError(
    `no base image: ${notPulled}, and ${lack.why}${bring}; images/README.md says how to bring one`,
  );
}

/** Why debootstrap cannot make a base image here, and the command that changes that where there is one. */
export async function unableToBootstrap(): Promise<{ why: string; bring?: string } | undefined> {
  if (process.platform !== 'linux') return { why: `debootstrap needs Linux, not ${process.platform}` };
  if (process.getuid?.() !== 0) return { why: 'debootstrap needs root', bring: 'sudo make lab' };
  const { exitCode } = await execa('sh', ['-c', 'command -v debootstrap'], { reject: false });
  if (exitCode === 0) return undefined;
  return { why: 'debootstrap is not installed', bring: 'apt-get install -y debootstrap' };
}

/** The Node that runs this lab where it works on its own in there, otherwise the same version from the npm packages. */
async function addNode(rootfs: string, scratch: string, say: Say): Promise<void> {
  const target = join(rootfs, 'usr/local/bin/node');
  await copyFile(process.execPath, target);
  if (await runsIn(rootfs)) return;
  const name = `node-linux-${process.arch}@${process.versions.node}`;
  say(`this Node needs libraries of this machine; taking ${name} instead`);
  const packed = await execa('npm', ['pack', '--silent', name], { cwd: scratch, reject: false, all: true });
  if (packed.exitCode === 0) {
    await execa('tar', ['-xzf', packed.stdout.trim(), 'package/bin/node'], { cwd: scratch });
    await copyFile(join(scratch, 'package/bin/node'), target);
    if (await runsIn(rootfs)) return;
  }
  throw new InfrastructureError(
    `no Node for the base image: ${process.execPath} does not run in it and ${name} could not be had`,
  );
}

async function runsIn(rootfs: string): Promise<boolean> {
  const { exitCode } = await execa('chroot', [rootfs, 'node', '--version'], { reject: false });
  return exitCode === 0;
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' / ');
}
