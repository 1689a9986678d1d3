import type Docker from 'dockerode';
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
