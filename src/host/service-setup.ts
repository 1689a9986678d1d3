import type { Clock } from '../ports/clock.ts';
import type { ServiceCommand } from './service-process.ts';

export interface ServiceSetup {
  clock: Clock;
  /** Name of this server, for whoever reads the process list. */
  node: string;
  command: ServiceCommand;
  stateDirectory: string;
  /** From the header: how long before the end of the lease the service begins to be stopped. */
  stopGraceMs: number;
  /** False under a procedure that knows no leases: then the guard ends the service when the agent is gone, and no sooner. */
  enforceLease: boolean;
  /** One line for people, about what should not be. */
  warn: (text: string) => void;
}

export function runawaysKilled(pids: readonly number[]): string {
  return `killed what had left the service's process group: processes ${pids.join(', ')}`;
}
