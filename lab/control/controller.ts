import { mkdir, writeFile } from 'node:fs/promises';
import type { Engine } from '../engines/engine.ts';
import type { StorageKind } from '../engines/storage.ts';
import { BY_HAND, type ScenarioRecord } from '../history/events.ts';
import { worldSpec } from '../run/defaults.ts';
import { openWorld, shutDown } from '../run/open-world.ts';
import { Recorder } from '../run/recorder.ts';
import { HandLab, serveHandLab } from './hand-lab.ts';
import { socketOf } from './registry.ts';

/** The process behind `lab up`: holds the world until `lab down`, then leaves a folder that can be judged. */
export async function control(
  labId: string,
  { engine, storage }: { engine: Engine; storage: StorageKind },
  servers: number,
  directory: string,
  signal: AbortSignal,
) {
  await mkdir(directory, { recursive: true });
  const spec = { ...worldSpec({ servers }, { dir: directory, seed: 1, storage }), labId };
  const record: ScenarioRecord = {
    ...{ name: BY_HAND, file: '', engine: engine.name, storage, seed: 1 },
    ...{ expected: 'valid', violatedBy: [], atLeast: { acknowledged: 1 } },
  };
  await writeFile(`${directory}/scenario.json`, JSON.stringify(record, null, 2) + '\n');
  const recorder = await Recorder.open(directory, () => {});
  const opened = await openWorld(BY_HAND, spec, engine, recorder, signal);
  try {
    await opened.lab.start(...opened.lab.servers);
    await opened.world.startClient();
    const hand = new HandLab(opened, { lab: labId, engine: engine.name, storage, directory });
    await serveHandLab(hand, await socketOf(labId), signal);
    // The same end as a scenario's; a lab that cannot come to it is judged all the same.
    await opened.lab.finish().catch((error: Error) => recorder.event({ event: 'note', text: error.message }));
    await shutDown(opened.world, opened.lab.servers);
  } finally {
    await opened.close();
    await recorder.close();
  }
}
