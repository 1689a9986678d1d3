import type { MemberEnd, WorldLine, WorldSpec } from './engine.ts';

/** Every test's labs have ids of their own, so that tests of several checkouts do not meet. */
export function testLabId(what: string): string {
  return `test-${what}-${process.pid}`;
}

/** A small world of two servers; `heard` listens to it. */
export function worldSpec(
  labId: string,
  dir: string,
  heard: { onLine?(line: WorldLine): void; onEnd?(end: MemberEnd): void } = {},
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
    onLine: (line) => heard.onLine?.(line),
    onEnd: (end) => heard.onEnd?.(end),
  };
}
