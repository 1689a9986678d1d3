import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { rm } from 'node:fs/promises';
import { FaultImpossible, type FaultOptions } from '../faults/fault.ts';
import type { FaultHandle } from '../run/faults-under-way.ts';
import type { OpenedWorld } from '../run/open-world.ts';

export interface HandFault {
  id: number;
  fault: string;
  target: string;
  /** While it is in force its target says nothing: what is known of it is from before. */
  silences: boolean;
  healed: boolean;
}

/** What `lab status` shows of one server. */
export interface HandServer {
  server: string;
  role: string;
  epoch: number;
  serving: boolean;
  blind: boolean;
  /** '' when the area is not paused. */
  pausedBy: string;
  processes: number;
}

export interface HandStatus {
  lab: string;
  engine: string;
  storage: string;
  directory: string;
  /** The controller: the lab is down when this process is gone. */
  pid: number;
  servers: HandServer[];
  faults: HandFault[];
}

/** A lab that is hurt by hand: the same `Lab` that scenarios talk to, behind a socket. */
export class HandLab {
  readonly #opened: OpenedWorld;
  readonly #faults: (HandFault & { handle: FaultHandle })[] = [];
  readonly #about: Pick<HandStatus, 'lab' | 'engine' | 'storage' | 'directory'>;

  constructor(opened: OpenedWorld, about: Pick<HandStatus, 'lab' | 'engine' | 'storage' | 'directory'>) {
    this.#opened = opened;
    this.#about = about;
  }

  async status(): Promise<HandStatus> {
    const { lab, view, world } = this.#opened;
    const servers = lab.servers.map(async (server) => {
      const { role, epoch, serving, blind, pausedBy } = view.server(server);
      return { server, role, epoch, serving, blind, pausedBy, processes: await world.alive(server) };
    });
    return {
      ...this.#about,
      pid: process.pid,
      servers: await Promise.all(servers),
      faults: this.#faults.map(withoutHandle),
    };
  }

  async fault(fault: string, target: string, options: FaultOptions): Promise<HandFault> {
    const handle = await this.#opened.lab.arm(fault, target, options);
    try {
      await handle.effective;
    } catch (error) {
      // Whoever asked is told, and nothing of it stays behind.
      await handle.heal().catch(() => {});
      throw error;
    }
    const { id, target: hit } = handle;
    const entry = { id, fault, target: hit, silences: silences(fault, options), healed: false, handle };
    this.#faults.push(entry);
    return withoutHandle(entry);
  }

  /** Heals one fault, or every one, the last first. */
  async heal(id: number | undefined): Promise<HandFault[]> {
    const chosen = this.#faults.filter((each) => !each.healed && (id === undefined || each.id === id));
    if (id !== undefined && chosen.length === 0) throw new Error(`no fault ${id} waits to be healed`);
    for (const each of chosen.reverse()) {
      await each.handle.heal();
      each.healed = true;
    }
    return chosen.map(withoutHandle);
  }
}

function silences(fault: string, { parts }: FaultOptions): boolean {
  return fault === 'pause' || (fault === 'stall' && (parts === undefined || parts.includes('agent')));
}

function withoutHandle({ id, fault, target, silences, healed }: HandFault): HandFault {
  return { id, fault, target, silences, healed };
}

/** Serves the lab until it is told to go down. Resolves then. */
export async function serveHandLab(hand: HandLab, socketPath: string, signal: AbortSignal): Promise<void> {
  await rm(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    const server = createServer((request, response) => void answer(hand, request, response, down));
    const down = () => server.close(() => resolve());
    signal.addEventListener('abort', down, { once: true });
    server.once('error', reject);
    server.listen(socketPath);
  });
  await rm(socketPath, { force: true });
}

async function answer(
  hand: HandLab,
  request: IncomingMessage,
  response: ServerResponse,
  down: () => void,
): Promise<void> {
  try {
    let text = '';
    for await (const part of request) text += String(part);
    const body = (text === '' ? {} : JSON.parse(text)) as {
      fault?: string;
      target?: string;
      options?: FaultOptions;
      id?: number;
    };
    const reply = await perform(hand, `${request.method} ${request.url}`, body);
    response.setHeader('connection', 'close');
    response.end(JSON.stringify(reply));
    if (request.url === '/down') down();
  } catch (error) {
    response.statusCode = error instanceof FaultImpossible ? 409 : 400;
    response.end((error as Error).message);
  }
}

async function perform(
  hand: HandLab,
  what: string,
  body: { fault?: string; target?: string; options?: FaultOptions; id?: number },
): Promise<unknown> {
  switch (what) {
    case 'GET /status':
    case 'POST /down':
      return hand.status();
    case 'POST /fault':
      return hand.fault(body.fault ?? '', body.target ?? '', body.options ?? {});
    case 'POST /heal':
      return hand.heal(body.id);
    default:
      throw new Error(`${what}: not something a lab does`);
  }
}
