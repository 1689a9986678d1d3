import assert from 'node:assert/strict';
import { auditShapes, clientShapes, journalShapes, labShapes } from '../../history/line-shapes.ts';
import { inColumns } from '../columns.ts';
import { Events } from './events.ts';
import { sentence } from './sentences.ts';

const told = (event: string, fields: object = {}) =>
  sentence(new Events(inColumns([{ t: 5e9, source: 's', event, fields: { ...fields } }], 0)), 0);

describe('an event in words', () => {
  it('has words of its own, whatever the event', () => {
    const begun = ['begin', 'end']; // the report makes one `append` of the two
    const names = [auditShapes, clientShapes, journalShapes, labShapes].flatMap((shapes) =>
      Object.keys(shapes),
    );
    assert.ok(names.length > 40);
    for (const name of names.filter((each) => !begun.includes(each)).concat('append'))
      assert.notEqual(told(name), `${name}: `, `${name} is told by its fields alone`);
  });

  it('is told by its fields where it is not known', () => {
    assert.equal(told('brand-new', { a: 1, b: 'x', c: null }), 'brand-new: a 1, b x');
    assert.equal(told('constructor', {}), 'constructor: ');
  });

  it('says in capitals what went wrong', () => {
    assert.match(
      told('refused', { node: 'a', epoch: 3, lastGranted: 4, reason: 'over' }),
      /^REFUSED a, epoch 3: over \(last grant: epoch 4\)/,
    );
    assert.match(
      told('refused', { node: null, export: 'junk', lastGranted: 4, reason: 'no name' }),
      /^REFUSED junk: no name/,
    );
    assert.match(told('expected', { met: false, what: 'w', detail: 'd' }), /^NOT as expected: w: d/);
    assert.match(
      told('takeover-held', { rule: 'R1', reason: 'r' }),
      /^HOLDS BACK \(R1\), for the area is paused: r/,
    );
    assert.match(told('paused', { by: 'a', epoch: 3 }), /^PAUSED by a, says the record of epoch 3/);
    assert.match(told('blind', { healed: false, failures: 3, reason: 'r' }), /^BLIND after 3/);
    assert.match(
      told('process-ended', { server: 'a', signal: null, code: 1, wanted: false }),
      /with 1, UNASKED/,
    );
  });
});
