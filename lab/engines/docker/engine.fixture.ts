import type Docker from 'dockerode';
import type { MemberEnd, WorldLine, WorldSpec } from '../engine.ts';
import { connect, engineState } from './connect.ts';
import { nameFor } from './labels.ts';
import { ContainerOutput } from './output.ts';

/**
 * Tests that need an engine are skipped, with the reason, where none answers; LAB_ENGINE=docker turns that into a failure.
 * For `before`: `const docker = await dockerOrSkip(this)`.
 */
export async function dockerOrSkip(context: Mocha.Context): Promise<Docker> {
  const state = await engineState();
  if (state.answers) return connect();
  if (process.env['LAB_ENGINE'] === 'docker')
    throw new Error(`LAB_ENGINE=docker, and no Docker engine: ${state.why}`);
  console.log(`      skipped, no Docker engine: ${state.why}`);
  return context.skip();
}

/** Every test's labs have ids of their own, so that tests of several checkouts do not meet. */
export function testLabId(what: string): string {
  return `test-${what}-${process.pid}`;
}

export function worldSpec(
  labId: string,
  dir: string,
  onLine: (line: WorldLine) => void = () => {},
  onEnd: (end: MemberEnd) => void = () => {},
): WorldSpec {
  return {
    labId,
    dir,
    servers: ['server-1', 'server-2'],
    timings: { intervalMs: 400, misses: 5, settleMs: 400, deadlineMs: 250, stopGraceMs: 400 },
    agent: { protocol: 'safe', fencing: 'gate', guard: true },
    gate: { fencing: true },
    storage: 'nbd',
    dataBytes: 1024 * 1024,
    client: { workers: 1, thinkMs: 20, seed: 1 },
    onLine,
    onEnd,
  };
}

/** Ids of whatever of this lab the engine still has. */
export async function remains(docker: Docker, labId: string): Promise<string[]> {
  const filters = JSON.stringify({ label: [`arbiter-lab.lab=${labId}`] });
  const [containers, networks, volumes] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ]);
  return [
    ...containers.map(({ Names }) => Names[0] ?? ''),
    ...networks.map(({ Name }) => Name),
    ...(volumes.Volumes ?? []).map(({ Name }) => Name),
  ];
}

/** Runs a program in a container of a lab and returns what it wrote to standard output; errors of the program are not looked at. */
export async function run(docker: Docker, labId: string, what: string, ...argv: string[]): Promise<string> {
  const container = docker.getContainer(nameFor(labId, what));
  const exec = await container.exec({ Cmd: argv, AttachStdout: true, AttachStderr: true });
  return textOf(await exec.start({ hijack: false }), 'stdout');
}

/** The engine's own stored log of a container, over all of its starts. */
export async function storedLog(docker: Docker, labId: string, what: string): Promise<string> {
  const container = docker.getContainer(nameFor(labId, what));
  const stored = await container.logs({ stdout: true, stderr: false, follow: true });
  return textOf(stored, 'stdout');
}

async function textOf(stream: NodeJS.ReadableStream, wanted: string): Promise<string> {
  const output = new ContainerOutput();
  let text = '';
  for await (const chunk of stream) {
    for (const line of output.feed(chunk as unknown as Buffer))
      if (line.stream === wanted) text += `${line.text}\n`;
  }
  return text;
}
