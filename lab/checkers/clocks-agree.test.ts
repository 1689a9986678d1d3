import assert from 'node:assert/strict';
import { clockDoubt, clocksAgree } from './clocks-agree.ts';
import { goodTakeover } from './testing/good-takeover.ts';
import { ns } from './testing/names.ts';
import { storageKilled } from './testing/storage-killed.ts';
import { Story } from './testing/story.ts';

const said = (story: Story) => {
  const { verdict, evidence } = clocksAgree(story.history());
  return [verdict, evidence[0]];
};

describe('clocks-agree', () => {
  it('is valid when every source goes on in time, within the run and after its causes', () => {
    assert.deepEqual(said(goodTakeover()), ['valid', '123 lines of 5 sources, in order and within the run']);
    assert.equal(clockDoubt(goodTakeover().history()), undefined);
  });

  it('names the line that goes back in time', () => {
    const history = goodTakeover().history();
    const { evidence } = clocksAgree({
      ...history,
      client: [...history.client, { ...history.client[0]!, t: ns(4) }],
    });
    assert.equal(
      evidence[0],
      'the client goes back in time: client-started at +4.000 s after client-stopped at +11.500 s',
    );
  });

  it('lets the lab tell late of what happened before', () => {
    const history = goodTakeover().history();
    const stall = { event: 'stall', gapMs: 100, t: ns(8) } as const;
    assert.equal(
      clocksAgree({ ...history, lab: [...history.lab.slice(0, -1), stall, history.lab.at(-1)!] }).verdict,
      'valid',
    );
  });

  it('has nothing before the lab or after it, but the storage node that comes up', () => {
    const server = { event: 'server-started', pid: 9, area: 'quorum', epoch: null } as const;
    assert.equal(said(goodTakeover().audit(-1, server))[0], 'valid');
    const refusal = { event: 'rule', id: '1', state: 'armed', detail: '' } as const;
    assert.match(
      said(goodTakeover().audit(-1, refusal))[1]!,
      /tells rule at -1\.000 s, before the lab began$/,
    );
    const connected = { event: 'connected', connection: 1, peer: '', export: 'quorum' } as const;
    assert.match(
      said(goodTakeover().audit(12.5, connected))[1]!,
      /tells connected at \+12\.500 s, after the lab had ended$/,
    );
    const began = goodTakeover().history();
    const audit = [{ v: 1, n: 0, ...connected, t: ns(-1) } as const, ...began.audit];
    assert.equal(clocksAgree({ ...began, audit }).verdict, 'valid');
  });

  it('has the write of a heartbeat within it', () => {
    const heartbeat = (startedAt: number, writtenAt: number) =>
      goodTakeover()
        .recordShows(9.1, 'server-2', 3)
        .journal(9.11, 'server-2', {
          ...{
            event: 'lease',
            epoch: 3,
            count: 9100,
            startedAt: ns(startedAt),
            writtenAt: ns(writtenAt),
            endsAt: 0,
          },
        });
    assert.equal(said(heartbeat(9.098, 9.11))[0], 'valid');
    const late = said(heartbeat(9.0995, 9.11));
    assert.match(late[1]!, /^server-2 tells at \+9\.110 s of a heartbeat \(epoch 3, count 9100\) between /);
    assert.equal(said(heartbeat(9.098, 9.0999))[0], 'unknown');
    assert.equal(said(heartbeat(9.098, 9.12))[0], 'unknown', 'acknowledged after it was told');
  });

  it('has nothing seen before it was written, and nothing that never was', () => {
    const saw = (story: Story, at: number, count: number) =>
      story.journal(at, 'server-1', {
        event: 'observed-change',
        node: 'server-2',
        epoch: 2,
        status: 1,
        count,
        what: '',
      });
    const written = () => goodTakeover().recordShows(10.5, 'server-2', 2);
    assert.equal(said(saw(written(), 10.51, 10500))[0], 'valid');
    assert.match(
      said(saw(written(), 10.4, 10500))[1]!,
      /count 10500 at \+10\.400 s, before it began to be written/,
    );
    assert.match(
      said(saw(written(), 10.51, 7))[1]!,
      /count 7 at \+10\.510 s, and the storage node's record has no such write$/,
    );
    assert.equal(said(saw(storageKilled(), 6, 7))[0], 'valid', 'a killed gate may not have told of it');
  });

  it('has a server that lost its power say nothing until it is switched on again', () => {
    const speaks = (at: number) => said(goodTakeover().observes(at, at + 0.1, 'server-1'));
    assert.deepEqual(speaks(6), [
      'unknown',
      'server-1 tells observed at +6.000 s, and had lost its power by +5.050 s',
    ]);
    assert.equal(speaks(5.04)[0], 'valid');
    assert.equal(speaks(10.2)[0], 'valid');
  });

  it('is unknown for a run that did not end', () => {
    assert.deepEqual(said(new Story()), [
      'unknown',
      'nothing was checked: there is no run that they could lie in',
    ]);
  });
});
