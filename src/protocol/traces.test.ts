import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { replay } from './traces/trace.fixture.ts';

const folder = new URL('traces/', import.meta.url);
const update = process.env['UPDATE_TRACES'] === '1';

/** The protocol's behaviour, rule by rule, as text a person can read: traces/trace.fixture.ts says how to write one. */
describe('the traces', () => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.trace'));

  it('are one for each rule, and one for the method as published', () => {
    const rules = Array.from({ length: 11 }, (_, i) => `R${i}.trace`);
    assert.deepEqual(files.sort(), [...rules, 'literal.trace'].sort());
  });

  for (const file of files) {
    it(`${file} is what happens`, () => {
      const written = readFileSync(new URL(file, folder), 'utf8');
      const happened = replay(written);
      if (update) return writeFileSync(new URL(file, folder), happened);
      const advice = `traces/${file} differs from what happens. Where the change is meant: UPDATE_TRACES=1 node test/unit.ts src/protocol/traces.test.ts, read the difference, and explain it in the commit`;
      assert.equal(happened, written, advice);
    });
  }
});
