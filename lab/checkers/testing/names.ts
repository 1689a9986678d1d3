const START_T = 1_000e9;

/** Seconds since the lab began as an instant of the history. */
export function ns(at: number): number {
  return START_T + Math.round(at * 1e9);
}

export function shortOf(server: string, epoch: number): string {
  return `${server.at(-1)}${epoch}`.padEnd(8, '0');
}

export function nameOf(server: string, epoch: number) {
  const incarnation = shortOf(server, epoch);
  return { export: `data@${server}.${epoch}.${incarnation}`, node: server, epoch, incarnation };
}

export function peerOf(server: string): string {
  return `127.0.0.${server.at(-1)}`;
}

/** One connection for each owner is enough. */
export function connectionOf(server: string, epoch: number) {
  return { connection: 100 * epoch + Number(server.at(-1)), peer: peerOf(server) };
}
