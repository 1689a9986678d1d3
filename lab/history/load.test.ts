import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { goodTakeover } from '../checkers/testing/good-takeover.ts';
import { Story } from '../checkers/testing/story.ts';
import { loadHistory } from './load.ts';
import { saveHistory } from './write.ts';

describe('the history in a folder', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'history-'));
    await saveHistory(dir, goodTakeover().history());
  });
  afterEach(() => rm(dir, { recursive: true }));

  const append = (file: string, text: string) => appendFile(join(dir, file), text);
  const unreadable = async () => (await loadHistory(dir)).unreadable;

  it('is the one that was saved, whole', async () => {
    const loaded = await loadHistory(dir);
    const saved = goodTakeover().history();
    const disks = { data: undefined, quorum: undefined };
    assert.deepEqual({ ...loaded, ...disks }, { ...saved, dir, ...disks });
    assert.deepEqual([...loaded.quorum!], [...saved.quorum!]);
    assert.deepEqual([...loaded.data!], [...saved.data!]);
  });

  it('names lines that are no JSON, of another version, of no known event or without a field', async () => {
    await append('client.jsonl', 'Segmentation fault\n{"t":1,"event":"begin","id":7,"worker":0}\n');
    await append(
      'audit.jsonl',
      '{"v":2,"t":1,"event":"gate-stopped","reason":""}\n{"v":1,"t":1,"event":"gone"}\n',
    );
    await append('journal-server-1.jsonl', '{"v":1,"t":null,"event":"warning","text":""}\n');
    assert.deepEqual(
      (await unreadable()).map((sentence) => sentence.replace(/:\d+ /, ':N ')),
      [
        'client.jsonl:N not JSON: Segmentation fault',
        'client.jsonl:N (begin) has no id that is a string',
        'audit.jsonl:N is of version 2, not 1',
        'audit.jsonl:N tells an unknown event: "gone"',
        'journal-server-1.jsonl:N (warning) has no t that is a number',
      ],
    );
  });

  it('counts lines from one, as editors do', async () => {
    await writeFile(
      join(dir, 'client.jsonl'),
      'x\n{"t":5,"event":"client-stopped","operations":5}\n7\n{"t":',
    );
    assert.deepEqual(await unreadable(), [
      'client.jsonl:1 not JSON: x',
      'client.jsonl:3 not JSON: 7',
      'client.jsonl:4 breaks off: {"t":',
    ]);
  });

  it('takes a null where there may be one and nowhere else', async () => {
    const end = {
      t: 1,
      event: 'end',
      id: 'a',
      worker: 0,
      outcome: 'unknown',
      server: null,
      epoch: null,
      seq: null,
    };
    await append(
      'client.jsonl',
      `${JSON.stringify({ ...end, attempts: 1 })}\n${JSON.stringify({ ...end, attempts: null })}\n`,
    );
    assert.deepEqual((await unreadable()).length, 1);
    assert.match((await unreadable())[0]!, /\(end\) has no attempts that is a number$/);
  });

  it('tolerates a last line that a kill cut short, once for each kill', async () => {
    await append('journal-server-1.jsonl', '{"v":1,"t":17');
    await writeFile(
      join(dir, 'noise.log'),
      'server-1: warning: text\nserver-1: {"v":1,\nserver-1: {"v":1,"t":4\nserver-1: }\n',
    );
    const loaded = await loadHistory(dir);
    assert.deepEqual(loaded.torn.length, 2, 'killed by the fault, and at the end as every server');
    assert.deepEqual(loaded.unreadable, ['noise.log: server-1: {"v":1,"t":4']);
  });

  it('does not tolerate one that nothing explains', async () => {
    await append('client.jsonl', '{"t":5');
    await append('audit.jsonl', '{"v":1');
    const sentences = await unreadable();
    assert.match(sentences[0]!, /^client\.jsonl:\d+ breaks off: \{"t":5$/);
    assert.match(sentences[1]!, /^audit\.jsonl:\d+ breaks off: \{"v":1$/);
  });

  it('tolerates one in the audit of a storage node that was killed', async () => {
    const story = new Story().fault(1, 1, 'storage-kill', 'storage', 'effective');
    await saveHistory(dir, story.history());
    await append('audit.jsonl', '{"v":1');
    assert.deepEqual(await unreadable(), []);
  });

  it('takes a last line without a newline that is whole for what it is', async () => {
    const before = (await loadHistory(dir)).client.length;
    await append('client.jsonl', '{"t":5,"event":"client-stopped","operations":5}');
    const loaded = await loadHistory(dir);
    assert.deepEqual([loaded.client.length, loaded.unreadable, loaded.torn], [before + 1, [], []]);
  });

  it('names files that are missing, and has no disk image where there is none', async () => {
    await rm(join(dir, 'audit.jsonl'));
    await rm(join(dir, 'journal-server-2.jsonl'));
    await rm(join(dir, 'data.img'));
    const loaded = await loadHistory(dir);
    assert.deepEqual(loaded.unreadable, [
      'audit.jsonl cannot be read: ENOENT',
      'journal-server-2.jsonl cannot be read: ENOENT',
    ]);
    assert.equal(loaded.data, undefined);
  });

  it('says so when the lab itself left nothing', async () => {
    await truncate(join(dir, 'lab.jsonl'));
    assert.deepEqual(await unreadable(), ['lab.jsonl does not begin with lab-started']);
  });

  it('names a journal of a server that the lab does not tell of', async () => {
    await writeFile(join(dir, 'journal-server-9.jsonl'), '');
    assert.deepEqual(await unreadable(), ['journal-server-9.jsonl is of no server that the lab tells of']);
  });

  // prettier-ignore
  const refused: [change: Record<string, unknown>, why: string][] = [
    [{ name: undefined },                            'name is missing, and has to be a string'],
    [{ expected: 'green' },                          'expected is "green", and has to be valid, violated, unknown'],
    [{ violatedBy: undefined },                      'violatedBy is missing, and has to be a list of names of checkers'],
    [{ mayViolate: [1] },                            'mayViolate is [1], and has to be a list of names of checkers'],
    [{ atLeast: { takeovers: '1' } },                'atLeast is {"takeovers":"1"}, and has to be an object of numbers'],
    [{ atLeast: null },                              'atLeast is null, and has to be an object of numbers'],
    [{ expected: 'violated', violatedBy: [] },       'it expects a violation, and violatedBy names no checker that has to find it'],
  ];
  for (const [change, why] of refused) {
    it(`is refused with a scenario of which ${why}`, async () => {
      const path = join(dir, 'scenario.json');
      await writeFile(path, JSON.stringify({ ...goodTakeover().history().scenario, ...change }));
      await assert.rejects(loadHistory(dir), { message: `${path}: no scenario to judge: ${why}` });
    });
  }

  it('is refused with a scenario that is no object, in one line that names the file', async () => {
    for (const text of ['{}', '[]', '7', 'null', '{'])
      await writeFile(join(dir, 'scenario.json'), text).then(() =>
        assert.rejects(loadHistory(dir), /^Error: \S+scenario\.json: no scenario to judge: [^\n]+$/),
      );
  });

  it('is refused without a scenario', async () => {
    await rm(join(dir, 'scenario.json'));
    await assert.rejects(loadHistory(dir), /scenario\.json: no scenario to judge: ENOENT/);
  });
});
