import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine, World } from '../engines/engine.ts';
import { processEngine } from '../engines/process/engine.ts';
import { marked, signalUntil } from '../engines/process/marked-processes.ts';
import type { LabEvent } from '../history/events.ts';
import { cameOutAsExpected } from '../report/summary.ts';
import type { Lab } from './lab.ts';
import { runScenario, type ScenarioOutcome } from './session.ts';

// Live, on processes: something outside of the lab kills a part of it, and no fault was asked for.
describe('a run in which a program ends unasked', function () {
  this.timeout(120_000);
  let directory: string;
  beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'unasked-'))));
  afterEach(() => rm(directory, { recursive: true, force: true }));

  /** Runs a scenario in which `meanwhile` is done to a lab that is well, and tells what was seen to end unasked. */
  async function run(
    meanwhile?: (lab: Lab, labId: string) => Promise<void>,
  ): Promise<{ outcome: ScenarioOutcome; ended: LabEvent[] }> {
    // Of its own, so that the processes are found by their mark as something outside would find them.
    const labId = randomBytes(4).toString('hex');
    const engine: Engine = {
      name: 'process',
      create: (spec): Promise<World> => processEngine.create({ ...spec, labId }),
    };
    const events: LabEvent[] = [];
    const told = Promise.withResolvers<void>();
    const body = async (lab: Lab) => {
      await lab.activeServer();
      await lab.standby();
      await lab.client.appending(20);
      if (meanwhile === undefined) return;
      await meanwhile(lab, labId);
      await told.promise;
    };
    const outcome = await runScenario(
      { name: 'unasked', file: '', claim: '', options: { servers: 2 }, body },
      {
        ...{ engine, storage: 'nbd', runDirectory: directory, seed: 1, signal: new AbortController().signal },
        onEvent(event) {
          events.push(event);
          if (event.event === 'process-ended' && !event.wanted) told.resolve();
        },
      },
    );
    const ended = events.filter((event) => event.event === 'process-ended' && !event.wanted);
    return { outcome, ended };
  }

  async function killFromOutside(mark: string): Promise<void> {
    const hit = await signalUntil(
      () => marked(mark),
      'SIGKILL',
      () => false,
    );
    assert.ok(hit > 0, `${mark}: no process was found`);
  }

  function assertFoundOut({ outcome, ended }: { outcome: ScenarioOutcome; ended: LabEvent[] }, who: string) {
    assert.deepEqual(
      ended.map((e) => e.event === 'process-ended' && [e.server, e.code, e.signal]),
      [[who, null, 'SIGKILL']],
    );
    assert.equal(outcome.judgement.verdict, 'violated');
    assert.equal(cameOutAsExpected(outcome), false);
    assert.match(
      outcome.brokeOff ?? '',
      new RegExp(`^${who} ended with SIGKILL, and nobody had asked it to$`),
    );
    const found = outcome.judgement.results.find(({ checker }) => checker === 'expectations');
    assert.ok(
      found?.evidence.some((sentence) => sentence.startsWith(`${who} ended at `)),
      found?.evidence.join('\n'),
    );
  }

  it('is valid when none does, and every end is told', async () => {
    const { outcome, ended } = await run();
    assert.equal(outcome.judgement.verdict, 'valid', JSON.stringify(outcome.judgement.results, null, 1));
    assert.deepEqual(ended, []);
  });

  it('is not valid when every process of a standby is killed from outside', async () => {
    let standby = '';
    const seen = await run(async (lab, labId) => {
      standby = await lab.standby();
      await killFromOutside(`${labId}/${standby}`);
    });
    assertFoundOut(seen, standby);
  });

  it('is not valid when the client is killed from outside', async () => {
    assertFoundOut(await run((_, labId) => killFromOutside(`${labId}/client`)), 'client');
  });

  it('is not valid when the storage node is killed from outside', async () => {
    assertFoundOut(await run((_, labId) => killFromOutside(`${labId}/storage`)), 'storage');
  });
});
