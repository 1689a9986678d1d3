import assert from 'node:assert/strict';
import type { AuditEntry } from '../ports/audit.ts';
import { parseRuleSpec, type RuleWords } from './rule-spec.ts';
import { type Passing, Rules } from './rules.ts';

const WORDS: RuleWords = { operations: ['read', 'write', 'flush'], errorNames: ['EIO', 'ESHUTDOWN'] };

function rulesWith(...specs: object[]): { rules: Rules; told: string[] } {
  const told: string[] = [];
  const rules = new Rules(({ id, state, detail }: AuditEntry & { event: 'rule' }) =>
    told.push(`${id} ${state}: ${detail}`),
  );
  for (const spec of specs) rules.add(parseRuleSpec(spec, WORDS));
  return { rules, told };
}

function passing(changes: Partial<Passing> = {}): Passing {
  return {
    connection: 1,
    peer: '10.0.0.1',
    export: 'quorum',
    op: 'write',
    offset: 512,
    length: 512,
    ...changes,
  };
}

describe('rules: which request', () => {
  const hold = { op: 'write', action: 'hold' };
  const data = 'data@a.5.aaaaaaaa';
  // prettier-ignore
  const rows: readonly [rule: object, passing: Partial<Passing>, caught: boolean][] = [
    [{},                       {},                              true],
    [{},                       { op: 'read' },                  false],
    [{ peer: '10.0.0.1' },     {},                              true],
    [{ peer: '10.0.0.2' },     {},                              false],
    [{ export: 'quorum' },     {},                              true],
    [{ export: 'quorum' },     { export: data },                false],
    [{ export: 'data' },       {},                              false],
    [{ export: 'data' },       { export: data },                true],
    [{ export: data },         { export: data },                true],
    [{ export: data },         { export: 'data@b.6.bbbbbbbb' }, false],
    [{ offset: 512 },          {},                              true],
    [{ offset: 1023 },         {},                              true],
    [{ offset: 1024 },         {},                              false],
    [{ offset: 511 },          {},                              false],
    [{ offset: 512 },          { offset: 0, length: 2560 },     true],
  ];
  for (const [rule, request, caught] of rows) {
    it(`${JSON.stringify(rule)} ${caught ? 'catches' : 'lets pass'} ${JSON.stringify(request)}`, () => {
      const { rules } = rulesWith({ ...hold, ...rule });
      assert.equal(rules.intercept(passing(request)) !== null, caught);
    });
  }

  it('the nth that matches, and then no other', () => {
    const { rules } = rulesWith({ ...hold, nth: 3 });
    const caught = Array.from({ length: 5 }, () => rules.intercept(passing()) !== null);
    assert.deepEqual(caught, [false, false, true, false, false]);
    assert.equal(rules.armed, false);
  });

  it('one request is caught by one rule; the next rule catches the next', () => {
    const { rules } = rulesWith(hold, hold);
    rules.intercept(passing());
    assert.deepEqual(
      rules.list().map(({ state }) => state),
      ['holding', 'armed'],
    );
    rules.intercept(passing());
    assert.equal(rules.get('2')?.state, 'holding');
  });
});

describe('rules: what becomes of it', () => {
  it('hold: until it is released', async () => {
    const { rules, told } = rulesWith({ op: 'write', action: 'hold', export: 'quorum', offset: 512 });
    const interception = rules.intercept(passing());
    assert.equal(interception?.kind, 'wait');
    assert.equal(rules.get('1')?.state, 'holding');
    assert.equal(rules.release('1'), true);
    assert.equal(await (interception.kind === 'wait' ? interception.until : 'never'), 'go');
    assert.equal(rules.get('1')?.outcome, null);
    interception.settled('ok');
    assert.deepEqual([rules.get('1')?.state, rules.get('1')?.outcome], ['released', 'ok']);
    assert.equal(rules.release('1'), false);
    const what = 'write of 512 bytes at 512 of quorum by 10.0.0.1 on connection 1';
    assert.deepEqual(told, [
      '1 armed: hold write number 1 of quorum at 512',
      `1 holding: ${what}`,
      `1 released: ${what}`,
    ]);
  });

  it('delay: until its time is over', async () => {
    const { rules } = rulesWith({ op: 'read', action: 'delay', delayMs: 5, peer: '10.0.0.1' });
    const interception = rules.intercept(passing({ op: 'read' }));
    assert.equal(rules.get('1')?.state, 'holding');
    assert.equal(await (interception?.kind === 'wait' ? interception.until : 'never'), 'go');
    assert.equal(rules.get('1')?.state, 'released');
  });

  it('fail: never carried out, with the error that was asked for', () => {
    const { rules, told } = rulesWith({ op: 'flush', action: 'fail', error: 'ESHUTDOWN' });
    const interception = rules.intercept(passing({ op: 'flush' }));
    assert.equal(interception?.kind === 'fail' && interception.error, 'ESHUTDOWN');
    assert.equal(rules.get('1')?.state, 'failed');
    assert.equal(told[0], '1 armed: fail flush number 1 of any export with ESHUTDOWN');
  });

  it('removed: what it held goes on, and the rule is forgotten', async () => {
    const { rules } = rulesWith({ op: 'write', action: 'hold' });
    const interception = rules.intercept(passing());
    assert.equal(rules.remove('1'), true);
    assert.equal(await (interception?.kind === 'wait' ? interception.until : 'never'), 'go');
    assert.equal(rules.get('1'), undefined);
    assert.equal(rules.remove('1'), false);
  });

  it('the gate ends: what is held is dropped', async () => {
    const { rules } = rulesWith({ op: 'write', action: 'hold' });
    const interception = rules.intercept(passing());
    rules.close();
    assert.equal(await (interception?.kind === 'wait' ? interception.until : 'never'), 'drop');
  });

  it('what is dropped is neither held nor carried out', () => {
    const { rules, told } = rulesWith({ op: 'write', action: 'drop' });
    assert.equal(rules.intercept(passing())?.kind, 'drop');
    assert.equal(rules.get('1')?.outcome, 'not carried out');
    assert.match(told.at(-1)!, /^1 dropped: write of 512 bytes at 512 of quorum/);
    assert.equal(rules.intercept(passing()), null, 'one request, not all');
  });

  it('one can wait for a rule to get somewhere', async () => {
    const { rules } = rulesWith({ op: 'write', action: 'hold' });
    const holding = rules.reached('1', 'holding', 60_000);
    const released = rules.reached('1', 'released', 60_000);
    rules.intercept(passing());
    assert.equal((await holding)?.state, 'holding');
    rules.release('1');
    assert.equal((await released)?.state, 'released');
    assert.equal((await rules.reached('1', 'holding', 60_000))?.state, 'released', 'it is past that');
    assert.equal(await rules.reached('2', 'holding', 60_000), undefined);
  });

  it('but not for longer than one wants to', async () => {
    const { rules } = rulesWith({ op: 'write', action: 'hold' });
    assert.equal((await rules.reached('1', 'holding', 1))?.state, 'armed');
  });
});

describe('rules: what is none', () => {
  // prettier-ignore
  const rows: readonly [body: unknown, why: string][] = [
    [[],                                              'a rule is a JSON object'],
    [null,                                            'a rule is a JSON object'],
    [{ op: 'write' },                                 'action is undefined; it must be one of hold, delay, fail, drop'],
    [{ op: 'trim', action: 'hold' },                  'op is "trim"; it must be one of read, write, flush'],
    [{ op: 'write', action: 'delay' },                "'delay' needs delayMs"],
    [{ op: 'write', action: 'delay', delayMs: -1 },   'delayMs is -1; it must be a whole number, 0 or more'],
    [{ op: 'write', action: 'hold', nth: 0 },         'nth is 0; it must be a whole number, 1 or more'],
    [{ op: 'write', action: 'hold', offset: '512' },  'offset is "512"; it must be a whole number, 0 or more'],
    [{ op: 'write', action: 'hold', peer: 1 },        'peer is 1; it must be a string'],
    [{ op: 'write', action: 'fail', error: 'EWHAT' }, 'error is "EWHAT"; it must be one of EIO, ESHUTDOWN'],
    [{ op: 'write', action: 'hold', server: 'a' },    "'server' is no field of a rule; there are peer, export, op, offset, nth, action, delayMs, error"],
  ];
  for (const [body, why] of rows) {
    it(why, () => assert.throws(() => parseRuleSpec(body, WORDS), { name: 'BadRule', message: why }));
  }
});
