import { cutDrop, cutReset } from './cut.ts';
import { dropSession } from './drop-session.ts';
import type { Fault } from './fault.ts';
import { holdAnyWrite, holdDataWrite, holdWrite } from './hold-write.ts';
import { kill } from './kill.ts';
import { pause } from './pause.ts';
import { restart } from './restart.ts';
import { slowDisk } from './slow-disk.ts';
import { stall } from './stall.ts';
import { stop } from './stop.ts';
import { storageKill } from './storage-kill.ts';

/** Every way to hurt, in one list: nothing registers itself. */
export const faults: readonly Fault[] = [
  kill,
  stop,
  restart,
  pause,
  stall,
  cutDrop,
  cutReset,
  storageKill,
  holdWrite,
  holdAnyWrite,
  holdDataWrite,
  dropSession,
  slowDisk,
];

export function faultNamed(name: string): Fault {
  const fault = faults.find((each) => each.name === name);
  if (fault === undefined)
    throw new Error(`no fault is called ${name}; there are ${faults.map((f) => f.name).join(', ')}`);
  return fault;
}
