import Docker, { type DockerOptions } from 'dockerode';

/** The engine that DOCKER_HOST names, or the one behind the usual socket. */
export function connect(): Docker {
  return new Docker();
}

export type EngineState =
  | { answers: true; version: string }
  | { answers: false; why: string; /** As the system has it, such as EACCES. */ code?: string };

/** Asks the engine for its version; whatever keeps it from answering comes back in words. */
export async function engineState(options: DockerOptions = {}, waitMs = 2000): Promise<EngineState> {
  // The client's own limits end the request that nobody answers; a little later, so that ours finds the words.
  const limit = waitMs + 100;
  const limits = { timeout: limit, connectionTimeout: limit };
  const docker = new Docker({ ...options, ...limits });
  const where = process.env['DOCKER_HOST'] ?? '/var/run/docker.sock';
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<EngineState>((resolve) => {
    timer = setTimeout(
      () => resolve({ answers: false, why: `${where} does not answer within ${waitMs} ms` }),
      waitMs,
    );
  });
  const asked = docker.version().then(
    (version): EngineState => ({ answers: true, version: version.Version }),
    (error: unknown): EngineState => ({
      answers: false,
      why: reasonFor(error as NodeJS.ErrnoException, where),
      code: (error as NodeJS.ErrnoException).code ?? '',
    }),
  );
  try {
    return await Promise.race([asked, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a person can do about an engine that cannot be reached. */
export function reasonFor(error: NodeJS.ErrnoException & { address?: string }, where: string): string {
  const socket = error.address ?? where;
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
      return `no permission for ${socket}: add yourself to the docker group, or run as root, or use --engine process`;
    case 'ENOENT':
      return `there is no ${socket}: is Docker installed and started?`;
    case 'ECONNREFUSED':
      return `nothing listens at ${socket}: is Docker started?`;
    default:
      return `${where}: ${plainWords(error)}`;
  }
}

/** The engine's own words, without the client's wrapping of them. */
export function plainWords(error: Error): string {
  return error.message.replace(/^\(HTTP code \d+\) [^-]* - /, '').trim();
}

/** True for a thing that is not there (any more), and for a state that is already what was asked for. */
export function isAlreadySo(error: unknown): boolean {
  const { statusCode } = error as { statusCode?: number };
  return statusCode === 404 || statusCode === 304;
}
