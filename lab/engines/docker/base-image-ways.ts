import type Docker from 'dockerode';
import { execa } from 'execa';
import type { Tried } from '../ability.ts';
import { NODE_IMAGE, PULL_BEGINS_MS, SUITE } from './base-image.ts';
import { plainWords } from './connect.ts';
import { machineMirror, machineProxy } from './debian-mirror.ts';
import { within } from './within.ts';

/** Asks the registry, through the engine, whether it has Node's own image. Nothing is pulled. */
export async function askRegistry(docker: Docker): Promise<Tried> {
  try {
    const asked = docker.getImage(NODE_IMAGE).distribution();
    await within(PULL_BEGINS_MS, 'an answer of the registry', asked);
    return { works: true, seen: `a registry has ${NODE_IMAGE}` };
  } catch (error) {
    return { works: false, seen: `${NODE_IMAGE}: ${plainWords(error as Error)}` };
  }
}

const MIRROR_S = 5;

/** Asks the mirror that debootstrap would take, in the way debootstrap does, for the suite's Release file. */
export async function askMirror(): Promise<Tried> {
  const mirror = machineMirror(SUITE) ?? 'http://deb.debian.org/debian';
  const proxy = machineProxy();
  const release = `${mirror.replace(/\/$/, '')}/dists/${SUITE}/Release`;
  const argv = ['--quiet', '--spider', '--tries=1', `--timeout=${MIRROR_S}`, release];
  const ran = await execa('wget', argv, {
    reject: false,
    timeout: 2 * MIRROR_S * 1000,
    ...(proxy === undefined ? {} : { env: { http_proxy: proxy } }),
  });
  if (ran.exitCode === 0) return { works: true, seen: `${mirror} answers` };
  if (ran.code === 'ENOENT') return { works: false, seen: `${mirror} was not asked: wget is missing` };
  return { works: false, seen: `${mirror} does not answer (wget ended with ${ran.exitCode ?? ran.signal})` };
}
