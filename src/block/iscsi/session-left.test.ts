import assert from 'node:assert/strict';
import { OutcomeUnknown } from '../../ports/block-device.ts';
import { testUnitReady } from '../../wire/scsi/block-commands.ts';
import { HoldingTarget, openedSession, ping, readBlock } from './held.fixture.ts';
import { ended } from './scripted-target.fixture.ts';
import { IscsiSession } from './session.ts';

const long = 5000;
const short = 400;
/** Whose answers no system takes for a reader that sleeps. */
const mostPings = 1_000_000;
const sector = (fill: number): Uint8Array => new Uint8Array(512).fill(fill);

describe('a session whose target', () => {
  it('asks for a logout is left politely, after the commands in flight', async () => {
    const heard: string[] = [];
    const { promise: ponged, resolve: pong } = Promise.withResolvers<void>();
    await using it = await openedSession({
      other: (pdu) => {
        heard.push(pdu.kind);
        if (pdu.kind === 'nop-out') pong();
        return false;
      },
    });
    const one = readBlock(it.session, 0);
    const { request, talk } = await it.holding.next();
    const parameters = [5, 0, 0] as const;
    talk.say({ kind: 'async', lun: 0, event: 1, vendorCode: 0, parameters, data: new Uint8Array() });
    talk.say(ping);
    await ponged;
    assert.deepEqual([it.session.usable, heard.splice(0)], [false, ['nop-out']]);
    talk.data(request, sector(3));
    assert.equal(await one, 3);
    await ended(talk);
    assert.deepEqual(heard, ['logout']);
  });

  it('says that it drops the session has lost it', async () => {
    await using it = await openedSession();
    const one = readBlock(it.session, 0);
    const { talk } = await it.holding.next();
    talk.say({
      kind: 'async',
      lun: 0,
      event: 3,
      vendorCode: 0,
      parameters: [0, 2, 20],
      data: new Uint8Array(),
    });
    await assert.rejects(one, /session lost: the target drops the session$/);
  });

  it('ends the tasks of a unit has answered none of them, and goes on', async () => {
    await using it = await openedSession();
    const one = readBlock(it.session, 0);
    const { talk } = await it.holding.next();
    talk.say({
      kind: 'async',
      lun: 1,
      event: 5,
      vendorCode: 0,
      parameters: [0, 0, 0],
      data: new Uint8Array(),
    });
    await assert.rejects(one, (error: Error) => {
      assert.ok(error instanceof OutcomeUnknown);
      assert.match(error.message, /was not answered: it was ended by the target$/);
      return true;
    });
    assert.equal((await it.session.command(1, testUnitReady(), long)).status, 0);
  });

  it('resets a unit has ended what was in flight there', async () => {
    await using it = await openedSession({
      other: (pdu, talk) => {
        if (pdu.kind !== 'task-management') return false;
        assert.deepEqual([pdu.function, pdu.lun], [5, 1]);
        talk.say({ kind: 'task-management', response: 0, tag: pdu.tag });
        return true;
      },
    });
    const one = readBlock(it.session, 0);
    await it.holding.next();
    const settled = assert.rejects(one, /was not answered: it was ended by a reset$/);
    await it.session.logicalUnitReset(1, long);
    await settled;
    assert.equal(it.session.usable, true);
  });

  it('pings on and reads no answer is given up, before the answers fill the memory', async function () {
    this.timeout(20_000);
    await using it = await openedSession();
    const one = readBlock(it.session, 0, 15_000);
    const { talk } = await it.holding.next();
    talk.socket.pause();
    const pings = Buffer.concat(Array.from({ length: 1000 }, () => Buffer.concat(talk.encode(ping))));
    let said = 0;
    const more = (): void => {
      for (let takes = true; takes && !talk.socket.destroyed && said < mostPings; said += 1000) {
        takes = talk.socket.write(pings);
      }
    };
    talk.socket.on('drain', more);
    more();
    await assert.rejects(one, /session lost: the target asks, and reads no answer$/);
  });

  it('refuses to reset a unit says why', async () => {
    await using it = await openedSession({
      other: (pdu, talk) => {
        if (pdu.kind !== 'task-management') return false;
        talk.say({ kind: 'task-management', response: 255, tag: pdu.tag });
        return true;
      },
    });
    await assert.rejects(it.session.logicalUnitReset(1, long), {
      name: 'RequestFailed',
      code: 'FUNCTION REJECTED',
      message: `${it.session.name}: LOGICAL UNIT RESET of unit 1 failed: FUNCTION REJECTED`,
    });
  });

  it('does not answer a reset has perhaps not carried it out', async () => {
    await using it = await openedSession({ other: (pdu) => pdu.kind === 'task-management' });
    await assert.rejects(it.session.logicalUnitReset(1, short), OutcomeUnknown);
    assert.equal(it.session.usable, false);
  });

  it('is left on purpose hears a logout, and nobody calls that a loss', async () => {
    const heard: string[] = [];
    const holding = await HoldingTarget.listen({ other: (pdu) => (heard.push(pdu.kind), false) });
    const session = await IscsiSession.open({ address: holding.target.address(), deadlineMs: long });
    const reasons: string[] = [];
    session.onClosed((reason) => reasons.push(reason));
    const one = readBlock(session, 0);
    const closed = session.close();
    const { request, talk } = await holding.next();
    assert.deepEqual(heard, []);
    talk.data(request, sector(5));
    assert.equal(await one, 5);
    await closed;
    assert.deepEqual([heard, reasons], [['logout'], []]);
    await holding[Symbol.asyncDispose]();
  });
});
