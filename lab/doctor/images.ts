import type Docker from 'dockerode';
import { baseImageTag, NODE_IMAGE, unableToBootstrap } from '../engines/docker/base-image.ts';
import { askMirror, askRegistry } from '../engines/docker/base-image-ways.ts';
import { hasImage } from '../engines/docker/image-build.ts';
import { labImageTag } from '../engines/docker/lab-image.ts';
import { aptInstall } from './apt.ts';
import type { Finding } from './finding.ts';

export interface ImageFindings {
  findings: Finding[];
  /** The lab image, when it is there. */
  lab: string | undefined;
  /** Why there is none and none can be made. */
  obstacle: string | undefined;
}

/** The images of a lab, and the ways by which a base would be made. Without an engine the ways alone can be looked at. */
export async function imageFindings(docker: Docker | undefined, registry: boolean): Promise<ImageFindings> {
  const [base, lab] = [await baseImageTag(), await labImageTag()];
  const hasBase = docker !== undefined && (await hasImage(docker, base));
  const hasLab = docker !== undefined && (await hasImage(docker, lab));
  const ways = await waysToABase(docker, hasBase, registry);
  const possible = hasBase || ways.some(({ state }) => state === 'ok');
  const findings: Finding[] = [];
  if (docker !== undefined) {
    findings.push(image('lab image', lab, hasLab, possible, 'made in some seconds'));
    findings.push(image('base image', base, hasBase, possible, 'made once, in about a minute'));
  }
  findings.push(...ways);
  const obstacle = possible ? undefined : 'there is no base image, and no way to make one';
  return { findings, lab: hasLab ? lab : undefined, obstacle: hasLab ? undefined : obstacle };
}

function image(thing: string, tag: string, there: boolean, possible: boolean, made: string): Finding {
  if (there) return { thing, state: 'ok', why: tag };
  if (!possible) return { thing, state: 'missing', why: `${tag}: see below for what makes it` };
  return { thing, state: 'missing', why: `${tag}: ${made}`, bring: 'make lab' };
}

/** First Node's own image from a registry, then debootstrap. Neither is asked over the network without need. */
async function waysToABase(docker: Docker | undefined, hasBase: boolean, registry: boolean) {
  const ways: Finding[] = [];
  const thing = 'registry';
  if (docker !== undefined && registry) {
    const { works, seen } = await askRegistry(docker);
    ways.push({ thing, state: works ? 'ok' : 'impossible', why: seen });
  } else if (docker !== undefined && !hasBase) {
    const why = `not asked for ${NODE_IMAGE}, which is tried before debootstrap`;
    ways.push({ thing, state: 'missing', why, bring: 'bin/lab doctor --registry' });
  } else if (registry) {
    ways.push({ thing, state: 'missing', why: 'only an engine can ask it, and none answers' });
  }
  ways.push(await debootstrap(hasBase));
  return ways;
}

async function debootstrap(hasBase: boolean): Promise<Finding> {
  const thing = 'debootstrap';
  const lack = await unableToBootstrap();
  if (lack !== undefined) {
    const bring = lack.bring?.startsWith('apt-get ') === true ? await aptInstall([thing]) : lack.bring;
    const why = hasBase ? `${lack.why} (not needed: the base image is there)` : lack.why;
    return { thing, state: 'missing', why, ...(bring === undefined ? {} : { bring }) };
  }
  if (hasBase) return { thing, state: 'ok', why: 'is there, and not needed: the base image is there' };
  const { works, seen } = await askMirror();
  return { thing, state: works ? 'ok' : 'impossible', why: `is there; ${seen}` };
}
