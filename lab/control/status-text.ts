import type { HandServer, HandStatus } from './hand-lab.ts';

/** `lab status` for people: the lab, a line for each server, and one for each fault that is in force. */
export function statusText({ lab, engine, storage, servers, faults }: HandStatus): string {
  const inForce = faults.filter((fault) => !fault.healed);
  const lines = servers.map((each) => {
    // Nothing is heard of a server whose agent stands still: what it said last may be long over.
    const silenced = inForce.find((fault) => fault.target === each.server && fault.silences);
    return `  ${each.server.padEnd(10)} ${stateOf(each, silenced && `as before fault ${silenced.id}`)}`;
  });
  const told = inForce.map(({ id, fault, target }) => `  fault ${id}: ${fault} ${target}`);
  return [`lab ${lab} on ${engine}, over ${storage}`, ...lines, ...told].join('\n');
}

/** Roles in which a server acts, or tries to, under the epoch of its claim. */
const UNDER_AN_EPOCH = new Set(['claiming', 'settling', 'active', 'stopping', 'releasing']);

function stateOf(server: HandServer, silenced: string | undefined): string {
  const { role, epoch, serving, blind, pausedBy, processes } = server;
  return [
    role.padEnd(10),
    UNDER_AN_EPOCH.has(role) && `epoch ${epoch}`,
    serving && 'serving',
    blind && 'BLIND',
    pausedBy !== '' && `PAUSED by ${pausedBy}`,
    processes === 0 && 'no process',
    silenced,
  ]
    .filter((part) => part !== false && part !== undefined)
    .join('  ')
    .trimEnd();
}
