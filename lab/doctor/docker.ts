import type Docker from 'dockerode';
import { tryAbilities } from '../engines/docker/abilities.ts';
import { connect, type EngineState } from '../engines/docker/connect.ts';
import { isInstalled } from '../engines/installed.ts';
import { newestLabImage } from '../engines/docker/lab-image.ts';
import { takenSubnets } from '../engines/docker/networks.ts';
import { countLeft } from '../engines/docker/reaper.ts';
import { BENCHMARK_RANGE, countFree, formatSubnet, overlap } from '../engines/docker/subnets.ts';
import { asRoot } from './apt.ts';
import { faultFindings, firstImpossible, untriedFaults } from './faults.ts';
import type { EngineFindings, FaultFinding, Finding } from './finding.ts';
import { imageFindings } from './images.ts';

/** Networks of one lab: storage and service. */
const SUBNETS_OF_A_LAB = 2;

export async function dockerFindings(state: EngineState, registry: boolean): Promise<EngineFindings> {
  const engine = await engineFinding(state);
  if (!state.answers) {
    const { findings } = await imageFindings(undefined, registry);
    const faults = untriedFaults('docker', 'missing', 'no engine answers', engine.bring);
    return { findings: [engine, ...findings], faults, obstacle: `no engine answers: ${state.why}` };
  }
  try {
    return await withEngine(connect(), engine, registry);
  } catch (error) {
    const why = `${engine.why}, and then: ${(error as Error).message}`;
    const findings: Finding[] = [{ thing: engine.thing, state: 'impossible', why }];
    return { findings, faults: untriedFaults('docker', 'impossible', why), obstacle: why };
  }
}

async function withEngine(docker: Docker, engine: Finding, registry: boolean): Promise<EngineFindings> {
  const images = await imageFindings(docker, registry);
  const subnets = await subnetFinding(docker);
  const faults = await tryFaults(docker, images.lab);
  return {
    findings: [engine, ...images.findings, subnets, await leftContainers(docker)],
    faults,
    obstacle:
      images.obstacle ?? (subnets.state === 'ok' ? undefined : subnets.why) ?? firstImpossible(faults),
  };
}

/** Exported for its test: whether an engine answers at the usual socket is not a test's to choose. */
export async function engineFinding(state: EngineState): Promise<Finding> {
  const thing = 'engine';
  const where = process.env['DOCKER_HOST'] ?? '/var/run/docker.sock';
  if (state.answers) return { thing, state: 'ok', why: `Docker ${state.version} answers at ${where}` };
  const bring = await bringsEngine(state.code);
  return { thing, state: 'missing', why: state.why, ...(bring === undefined ? {} : { bring }) };
}

async function bringsEngine(code: string | undefined): Promise<string | undefined> {
  if (code === 'EACCES' || code === 'EPERM') return 'sudo usermod -aG docker "$USER" # then log in again';
  if (process.env['DOCKER_HOST'] !== undefined) return 'unset DOCKER_HOST # or start that engine';
  const possible = (await isInstalled('apt-get')) || (await isInstalled('dockerd'));
  return process.platform === 'linux' && possible ? asRoot('make engine') : undefined;
}

async function subnetFinding(docker: Docker): Promise<Finding> {
  const taken = await takenSubnets(docker);
  const { free, of } = countFree(taken);
  const ours = taken.filter((subnet) => overlap(subnet, BENCHMARK_RANGE)).map(formatSubnet);
  const list = ours.length === 0 ? '' : `; taken: ${[...new Set(ours)].join(', ')}`;
  const why = `${free} of ${of} networks in ${formatSubnet(BENCHMARK_RANGE)} are free (a lab takes ${SUBNETS_OF_A_LAB})${list}`;
  if (free >= SUBNETS_OF_A_LAB) return { thing: 'subnets', state: 'ok', why };
  return { thing: 'subnets', state: 'missing', why, bring: 'bin/lab down --all' };
}

async function leftContainers(docker: Docker): Promise<Finding> {
  const thing = 'left over';
  const { containers, networks, volumes } = await countLeft({ orphans: true }, docker);
  if (containers + networks + volumes === 0)
    return { thing, state: 'ok', why: 'no container, network or volume of an interrupted lab' };
  const why = `of interrupted labs: ${containers} containers, ${networks} networks, ${volumes} volumes`;
  return { thing, state: 'untidy', why, bring: 'bin/lab down --all' };
}

/** On the image that is there, or on one of an earlier state of the code: what it starts and is asked is much the same. */
async function tryFaults(docker: Docker, lab: string | undefined): Promise<FaultFinding[]> {
  const image = lab ?? (await newestLabImage(docker));
  if (image !== undefined) return faultFindings('docker', await tryAbilities(docker, image));
  return untriedFaults('docker', 'missing', 'can be tried once the lab image is there', 'make lab');
}
