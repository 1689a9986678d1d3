import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { inColumns, type Row } from './columns.ts';
import { Events } from './timeline/events.ts';

const told = (events: Events) =>
  Array.from({ length: events.length }, (_, i) => ({
    t: events.at[i],
    source: events.source(i),
    event: events.event(i),
    fields: Object.fromEntries(events.fields(i).filter(([, value]) => value !== null)),
  }));

describe('events in columns', () => {
  it('are read back as they were, in order of time', () => {
    const value = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constantFrom('ok', 'refused'));
    const fields = fc.dictionary(fc.constantFrom('a', 'b', 'reason', 'epoch', '__proto__'), value);
    const row = fc.record({
      t: fc.integer({ min: -1e6, max: 1e15 }),
      source: fc.constantFrom('lab', 'server-1'),
      event: fc.constantFrom('lease', 'role'),
      fields,
    });
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        const table = JSON.parse(JSON.stringify(inColumns(rows, 1000))) as ReturnType<typeof inColumns>;
        const sorted = [...rows].sort((a, b) => a.t - b.t);
        const wanted = sorted.map((r) => ({
          ...r,
          t: r.t - 1000,
          fields: Object.fromEntries(Object.entries(r.fields)),
        }));
        assert.deepEqual(told(new Events(table)), wanted);
      }),
    );
  });

  it('count instants from the origin, whoever wrote them, and leave durations alone', () => {
    const rows: Row[] = [
      { t: 5000, source: 'a', event: 'lease', fields: { startedAt: 4000, endsAt: 9000, tookMs: 7 } },
      { t: 6000, source: 'lab', event: 'takeover-seen', fields: { sinceT: 2000, servingT: null } },
    ];
    const events = new Events(inColumns(rows, 1000));
    assert.deepEqual(events.fields(0), [
      ['startedAt', 3000],
      ['endsAt', 8000],
      ['tookMs', 7],
    ]);
    assert.deepEqual(events.fields(1), [
      ['sinceT', 1000],
      ['servingT', null],
    ]);
    assert.deepEqual([events.isInstant(0, 'endsAt'), events.isInstant(0, 'tookMs')], [true, false]);
  });

  it('tell what is inside an object under both names, and nothing of an absent one', () => {
    const rows: Row[] = [
      {
        t: 1,
        source: 's',
        event: 'quorum-write',
        fields: { record: { node: 'a', epoch: 3 }, servers: ['x', 'y'] },
      },
      { t: 2, source: 's', event: 'quorum-write', fields: { record: null } },
    ];
    const events = new Events(inColumns(rows, 0));
    assert.equal(events.field(0, 'record.epoch'), 3);
    assert.equal(events.field(0, 'servers'), 'x, y');
    assert.equal(events.field(1, 'record.epoch'), null);
  });

  it('are found by instant, and by source and name', () => {
    const rows = [10, 20, 20, 30].map((t, n): Row => ({
      t,
      source: n === 1 ? 'b' : 'a',
      event: 'e',
      fields: {},
    }));
    const events = new Events(inColumns(rows, 0));
    assert.deepEqual(
      [9, 10, 11, 20, 31].map((t) => events.firstAt(t)),
      [0, 0, 1, 1, 4],
    );
    assert.deepEqual([...events.of('a', 'e')], [0, 2, 3]);
    assert.deepEqual([...events.of('a', 'other')], []);
  });
});
