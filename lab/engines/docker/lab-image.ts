import type Docker from 'dockerode';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { baseImageTag, ensureBaseImage, type Say } from './base-image.ts';
import { withBuildLock } from './build-lock.ts';
import { buildImage, hasImage } from './image-build.ts';
import { labImageHash, stageLabImage } from './image-contents.ts';

const REPOSITORY = 'arbiter-lab';
/** Images of earlier states of the code: a few are kept for labs in other checkouts, the rest is cleared away. */
const KEPT = 5;
const STAGING_ATTEMPTS = 5;

/** The image every container of a lab runs, under a tag that names its contents. Makes what is missing, and nothing else. */
export async function ensureLabImage(docker: Docker, say: Say): Promise<string> {
  const tag = await labImageTag();
  if (await hasImage(docker, tag)) return tag;
  return withBuildLock(say, () => make(docker, say));
}

export async function labImageTag(): Promise<string> {
  return `${REPOSITORY}:${await labImageHash(await baseImageTag())}`;
}

async function make(docker: Docker, say: Say): Promise<string> {
  const base = await ensureBaseImage(docker, say);
  const began = performance.now();
  const directory = await mkdtemp(join(tmpdir(), 'arbiter-lab-image-'));
  try {
    const tag = await stageUnchanged(directory);
    if (await hasImage(docker, tag)) return tag; // another lab made it meanwhile
    await buildImage(docker, directory, tag, { BASE: base }, { networkmode: 'none' });
    say(`lab image ${tag} made in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    await clearOldImages(docker);
    return tag;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Stages the sources under the name they have: were they edited meanwhile, an image would carry another's name for good. */
async function stageUnchanged(directory: string): Promise<string> {
  for (let attempt = 0; attempt < STAGING_ATTEMPTS; attempt++) {
    await rm(directory, { recursive: true, force: true });
    const before = await labImageTag();
    await stageLabImage(directory);
    if ((await labImageTag()) === before) return before;
  }
  throw new Error(`the sources keep changing while the lab image is made; tried ${STAGING_ATTEMPTS} times`);
}

/** A lab image of whatever state of the code; undefined when there is none. */
export async function newestLabImage(docker: Docker): Promise<string | undefined> {
  return (await labImages(docker))[0]?.Id;
}

/** The newest first. */
async function labImages(docker: Docker): Promise<Docker.ImageInfo[]> {
  const images = await docker.listImages({ filters: JSON.stringify({ reference: [REPOSITORY] }) });
  return images.sort((a, b) => b.Created - a.Created);
}

async function clearOldImages(docker: Docker): Promise<void> {
  const old = (await labImages(docker)).slice(KEPT);
  // Without force: the engine refuses to remove what a container still runs.
  for (const { Id } of old)
    await docker
      .getImage(Id)
      .remove()
      .catch(() => {});
}
