import type { Socket } from 'node:net';
import type { ProcessName } from './process-group.ts';
import type { ServiceCommand } from './service-process.ts';

/** What the agent tells its guard: JSON lines. Instants are nanoseconds of the monotonic clock both of them read. */
export type ToGuard =
  | { do: 'setup'; stateDirectory: string; stopGraceMs: number; enforceLease: boolean }
  | { do: 'lease'; endsAtNs: number }
  | { do: 'start'; id: number; command: ServiceCommand }
  | { do: 'stop'; id: number; how: 'grace' | 'now'; byAtNs: number };

/** What the guard reports. `id` is that of the order it answers. */
export type FromGuard =
  | { event: 'ready' }
  /** The echo of a lease: the guard listens. */
  | { event: 'leased' }
  | { event: 'started'; id: number; leader: ProcessName }
  | { event: 'failed'; id: number; reason: string }
  | { event: 'stopped'; id: number }
  /** The service ended without an order to stop. */
  | { event: 'ended'; reason: string }
  /** These had left the service's process group, and were killed when it ended. */
  | { event: 'runaways'; pids: readonly number[] };

/** The agent's end of the socket. */
export function tellGuard(socket: Socket, message: ToGuard): void {
  send(socket, message);
}
export function hearGuard(socket: Socket, handle: (message: FromGuard) => void): void {
  receive(socket, (message) => handle(message as FromGuard));
}

/** The guard's end. */
export function tellAgent(socket: Socket, message: FromGuard): void {
  send(socket, message);
}
export function hearAgent(socket: Socket, handle: (message: ToGuard) => void): void {
  receive(socket, (message) => handle(message as ToGuard));
}

function send(socket: Socket, message: ToGuard | FromGuard): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

function receive(socket: Socket, handle: (message: unknown) => void): void {
  let rest = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) handle(JSON.parse(line));
  });
}
