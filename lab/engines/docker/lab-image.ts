import type Docker from 'dockerode';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBaseImage, type Say } from './base-image.ts';
import { withBuildLock } from './build-lock.ts';
import { buildImage, hasImage } from './image-build.ts';
import { labImageHash, stageLabImage } from './image-contents.ts';

const REPOSITORY = 'arbiter-lab';
/** Images of earlier states of the code: a few are kept for labs in other checkouts, the rest is cleared away. */
const KEPT = 5;

/** The image every container of a lab runs, under a tag that names its contents. Makes what is missing, and nothing else. */
export async function ensureLabImage(docker: Docker, say: Say): Promise<string> {
  return withBuildLock(say, async () => {
    const base = await ensureBaseImage(docker, say);
    const tag = `${REPOSITORY}:${await labImageHash(base)}`;
    if (await hasImage(docker, tag)) return tag;
    const began = performance.now();
    const directory = await mkdtemp(join(tmpdir(), 'arbiter-lab-image-'));
    try {
      await stageLabImage(directory);
      await buildImage(docker, directory, tag, { BASE: base }, { networkmode: 'none' });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
    say(`lab image ${tag} made in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    await clearOldImages(docker);
    return tag;
  });
}

async function clearOldImages(docker: Docker): Promise<void> {
  const images = await docker.listImages({ filters: JSON.stringify({ reference: [REPOSITORY] }) });
  const old = images.sort((a, b) => b.Created - a.Created).slice(KEPT);
  // Without force: the engine refuses to remove what a container still runs.
  for (const { Id } of old)
    await docker
      .getImage(Id)
      .remove()
      .catch(() => {});
}
