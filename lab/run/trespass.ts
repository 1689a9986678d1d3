import type { World } from '../engines/engine.ts';
import type { Recorder } from './recorder.ts';

export interface Trespass {
  outcome: string;
  reason: string;
}

/** A program inside the server tries the data area under `exportName`, which is not its to use. */
export async function tryTrespass(
  world: World,
  recorder: Recorder,
  server: string,
  op: 'read' | 'write',
  exportName: string,
): Promise<Trespass> {
  const argv = ['trespass', '--uri', world.storageUri(server), '--export', exportName, '--op', op];
  const { code, stdout, stderr } = await world.runInServer(server, argv);
  if (code !== 0) throw new Error(`trespass from ${server} could not be tried: ${stderr.trim()}`);
  const tried = JSON.parse(stdout) as Trespass;
  recorder.event({
    event: 'expected',
    what: `${op} of ${exportName} from ${server} is refused`,
    met: tried.outcome === 'refused',
    otherwise: tried.outcome === 'done' ? 'violated' : 'unknown',
    detail: tried.outcome === 'refused' ? tried.reason : `${tried.outcome}: ${tried.reason}`,
  });
  return tried;
}
