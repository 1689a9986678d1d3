import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkAll } from '../checkers/check-all.ts';
import { goodTakeover } from '../checkers/testing/good-takeover.ts';
import { saveHistory } from '../history/write.ts';
import { writeReports } from '../report/rewrite.ts';
import { summarize } from '../report/summary.ts';
import { writeReportsOf } from './reports.ts';
import type { ScenarioOutcome } from './session.ts';

describe('the reports of a run', () => {
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'reports-'))));
  afterEach(() => rm(dir, { recursive: true }));

  const outcome = async (name: string, round = ''): Promise<ScenarioOutcome> => {
    const history = goodTakeover({ scenario: { name } }).history();
    const directory = join(dir, round, name);
    await saveHistory(directory, history);
    return {
      record: history.scenario,
      directory,
      judgement: checkAll(history),
      seconds: 1,
      trouble: undefined,
      brokeOff: undefined,
    };
  };
  const wayBack = async (...path: string[]) =>
    /<a href="([^"]*)">the whole run/.exec(await report(...path))?.[1];
  const report = (...path: string[]) => readFile(join(dir, ...path, 'report.html'), 'utf8');

  it('are one of the run and one of each scenario', async () => {
    const outcomes = [await outcome('one'), await outcome('two')];
    const troubles: string[] = [];
    await writeReportsOf(
      summarize(dir, outcomes, { engine: { name: 'process' }, storages: ['nbd'] }),
      outcomes,
      (line) => troubles.push(line),
    );
    assert.deepEqual(troubles, []);
    assert.match(await report(), /href="two\/report\.html"/);
    assert.match(await report('one'), /<title>one: valid<\/title>/);
  });

  it('lead back to the run from a round of it, also when they are written anew', async () => {
    const outcomes = [await outcome('one', 'round-2')];
    const summary = summarize(dir, outcomes, { engine: { name: 'process' }, storages: ['nbd'] });
    await writeReportsOf(summary, outcomes, assert.fail);
    assert.equal(await wayBack('round-2', 'one'), '../../report.html');
    await writeFile(join(dir, 'summary.json'), JSON.stringify(summary));
    await writeReports(join(dir, 'round-2', 'one'));
    assert.equal(await wayBack('round-2', 'one'), '../../report.html');
    await rm(join(dir, 'summary.json'));
    await writeReports(dir);
    assert.equal(await wayBack('round-2', 'one'), undefined);
  });

  it('tell in one line which of them could not be written, and the others are', async () => {
    const outcomes = [await outcome('one'), await outcome('two')];
    await mkdir(join(dir, 'one', 'report.html'));
    await rm(join(dir, 'two', 'scenario.json'));
    const troubles: string[] = [];
    await writeReportsOf(
      summarize(dir, outcomes, { engine: { name: 'process' }, storages: ['nbd'] }),
      outcomes,
      (line) => troubles.push(line),
    );
    assert.equal(troubles.length, 2);
    assert.match(troubles[0]!, /^no report was written for one: EISDIR/);
    assert.match(troubles[1]!, /^no report was written for two: .*scenario\.json: no scenario to judge/);
    assert.match(await report(), /2 of 2 scenarios/);
  });
});
