import assert from 'node:assert/strict';
import type { ScenarioDefinition } from './scenario.ts';
import { SideBySide } from './side-by-side.ts';

const definitions = ['a', 'b', 'c'].map((name): ScenarioDefinition => ({
  ...{ name, file: `${name}.scenario.ts`, claim: name, options: { servers: 1 } },
  body: async () => {},
}));
const [a, b, c] = definitions as [ScenarioDefinition, ScenarioDefinition, ScenarioDefinition];

/** Scenarios that end when the test says so. */
function world() {
  const begun: string[] = [];
  const told: string[] = [];
  const ends = new Map(definitions.map((each) => [each, Promise.withResolvers<string>()]));
  const run = (definition: ScenarioDefinition, say: (speak: () => void) => void) => {
    begun.push(definition.name);
    say(() => told.push(`${definition.name} begins`));
    return ends.get(definition)!.promise.finally(() => say(() => told.push(`${definition.name} ends`)));
  };
  return { begun, told, run, end: (definition: ScenarioDefinition) => ends.get(definition)! };
}

describe('scenarios side by side', () => {
  it('are begun in their order, so many at a time', async () => {
    const { begun, run, end } = world();
    const running = new SideBySide(definitions, 2, run);
    await new Promise(setImmediate);
    assert.deepEqual(begun, ['a', 'b']);
    end(b).resolve('b');
    await running.turn(b);
    await new Promise(setImmediate);
    assert.deepEqual(begun, ['a', 'b', 'c']);
    end(a).resolve('a');
    end(c).resolve('c');
    assert.deepEqual(await Promise.all([running.turn(a), running.turn(c)]), ['a', 'c']);
    assert.equal(await running.over(), undefined);
  });

  it('are told of one after the other, whoever ends first', async () => {
    const { told, run, end } = world();
    const running = new SideBySide(definitions, 3, run);
    end(b).resolve('b');
    end(c).resolve('c');
    await new Promise(setImmediate);
    assert.deepEqual(told, []);
    const first = running.turn(a);
    await new Promise(setImmediate);
    assert.deepEqual(told, ['a begins']);
    end(a).resolve('a');
    await first;
    await running.turn(b);
    assert.deepEqual(told, ['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('that could not be begun keep the next from beginning, and over() says why', async () => {
    const { begun, run, end } = world();
    const running = new SideBySide(definitions, 1, run);
    end(a).reject(new Error('no room'));
    for (const each of definitions) await assert.rejects(running.turn(each), /no room/);
    assert.deepEqual(begun, ['a']);
    assert.equal((await running.over())?.message, 'no room');
  });
});
