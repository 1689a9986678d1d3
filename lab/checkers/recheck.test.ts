import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { saveHistory } from '../history/write.ts';
import { checkAll } from './check-all.ts';
import { missingIn, recheck } from './recheck.ts';
import { goodTakeover } from './testing/good-takeover.ts';

const lateWrite = () => goodTakeover().writes(8.2, 'server-1', 2, { offset: 512 });

describe('a recheck', () => {
  let run: string;
  beforeEach(async () => {
    run = await mkdtemp(join(tmpdir(), 'run-'));
  });
  afterEach(() => rm(run, { recursive: true }));

  it('judges every scenario of a run from its folder alone, as the run did', async () => {
    await saveHistory(join(run, 'b-bad'), lateWrite().history());
    await saveHistory(join(run, 'a-good'), goodTakeover().history());
    await writeFile(join(run, 'summary.json'), '{}');
    const rechecked = await recheck(run);
    assert.deepEqual(
      rechecked.map(({ directory }) => directory),
      [join(run, 'a-good'), join(run, 'b-bad')],
    );
    assert.deepEqual(rechecked[0]!.judgement, checkAll(goodTakeover().history()));
    assert.deepEqual(rechecked[1]!.judgement, checkAll(lateWrite().history()));
    assert.equal(rechecked[1]!.record.name, 'story');
  });

  it('descends into the rounds of a repeated run, in their order', async () => {
    for (const round of ['round-10', 'round-2'])
      await saveHistory(join(run, round, 'a-good'), goodTakeover().history());
    const rechecked = await recheck(run);
    assert.deepEqual(
      rechecked.map(({ directory }) => directory),
      [join(run, 'round-2', 'a-good'), join(run, 'round-10', 'a-good')],
    );
  });

  it('takes the folder of one scenario, wherever it was copied to', async () => {
    await saveHistory(join(run, 'a-good'), goodTakeover().history());
    await cp(join(run, 'a-good'), join(run, 'moved'), { recursive: true });
    assert.equal((await recheck(join(run, 'moved')))[0]!.judgement.verdict, 'valid');
  });

  it('finds nothing where nothing is, and says so of a folder that is not there', async () => {
    assert.deepEqual(await recheck(run), []);
    await assert.rejects(recheck(join(run, 'nowhere')), /nowhere: cannot be read: ENOENT/);
  });

  it('keeps what had kept the run from its end, though all that was saved is valid', async () => {
    await saveHistory(join(run, 'a-good'), goodTakeover().history());
    const told = async (verdict: object) => {
      await writeFile(join(run, 'a-good/verdict.json'), JSON.stringify(verdict));
      return (await recheck(run))[0]!.trouble;
    };
    assert.equal(await told({ verdict: 'valid', trouble: 'the engine went away' }), 'the engine went away');
    assert.equal(await told({ brokeOff: 'waited 1000 ms' }), 'broke off: waited 1000 ms');
    assert.equal(await told({ verdict: 'valid' }), undefined);
  });

  describe('held against the summary of the run', () => {
    const tell = (...folders: string[]) => {
      const scenarios = folders.map((folder) => ({ directory: join('/somewhere/else', folder) }));
      return writeFile(
        join(run, 'summary.json'),
        JSON.stringify({ directory: '/somewhere/else', scenarios }),
      );
    };
    beforeEach(async () => {
      for (const folder of ['round-1/a', 'round-2/a'])
        await saveHistory(join(run, folder), goodTakeover().history());
    });

    it('lacks nothing when they tell of the same scenarios, wherever the run was moved to', async () => {
      await tell('round-1/a', 'round-2/a');
      assert.deepEqual(await missingIn(run), []);
      assert.deepEqual(await missingIn(join(run, 'round-1')), []);
      assert.deepEqual(await missingIn(join(run, 'round-1/a')), []);
    });

    it('names a scenario whose folder is gone, and one that the summary does not tell of', async () => {
      await tell('round-1/a', 'round-3/a');
      assert.deepEqual(await missingIn(run), [
        'round-3/a was run, by summary.json, and its folder has no scenario.json',
        'round-2/a is there, and summary.json does not tell of it: the run was interrupted, or it is of another',
      ]);
    });

    it('cannot be held without one', async () => {
      assert.match((await missingIn(run))[0]!, /^summary\.json is missing or damaged/);
    });
  });
});
