import assert from 'node:assert/strict';
import { OutcomeUnknown, RequestFailed } from '../../ports/block-device.ts';
import type { InitiatorPdu } from '../../wire/iscsi/initiator-pdu.ts';
import { read16, testUnitReady, write16 } from '../../wire/scsi/block-commands.ts';
import { openedSession, ping, readBlock } from './held.fixture.ts';
import { ended } from './scripted-target.fixture.ts';
import { fixedSense } from './unit-data.fixture.ts';

const long = 5000;
const short = 400;
const sector = (fill: number): Uint8Array => new Uint8Array(512).fill(fill);

describe('a session with an iSCSI target', function () {
  this.timeout(20_000);

  it('has any number of commands in flight, answered in any order', async () => {
    await using it = await openedSession();
    const reads = Array.from({ length: 16 }, (_, lba) => readBlock(it.session, lba));
    const held = await it.holding.several(16);
    for (const { request, talk } of held.toReversed()) talk.data(request, sector(request.cdb[9]!));
    assert.deepEqual(await Promise.all(reads), [...Array(16).keys()]);
  });

  it('gives back what the unit answered, whatever that is', async () => {
    await using it = await openedSession();
    const answers = [0, 1].map((lba) => it.session.command(1, read16(lba, 1, 512), long));
    const [first, second] = await it.holding.several(2);
    first!.talk.status(first!.request, 0x18);
    second!.talk.status(second!.request, 2, fixedSense(5, 0x21));
    assert.deepEqual(
      (await Promise.all(answers)).map(({ status, sense }) => [status, sense?.key, sense?.asc]),
      [
        [0x18, undefined, undefined],
        [2, 5, 0x21],
      ],
    );
    assert.equal(it.session.usable, true);
  });

  it('does not know the outcome past the deadline, and leaves a target that said nothing since', async () => {
    await using it = await openedSession();
    const command = it.session.command(1, write16(0, sector(7), 512), short);
    await assert.rejects(command, {
      name: 'OutcomeUnknown',
      message: `${it.session.name}: WRITE(16) to unit 1 was not answered within 400 ms`,
    });
    assert.equal(it.session.usable, false);
    await ended(it.holding.target.connections[0]!);
  });

  it('stays while the target answers others, and throws a late answer away', async () => {
    await using it = await openedSession();
    const late = readBlock(it.session, 0, 500);
    const { request, talk } = await it.holding.next();
    const other = it.session.command(1, testUnitReady(), long);
    await assert.rejects(late, OutcomeUnknown);
    assert.equal((await other).status, 0);
    talk.data(request, sector(9));
    const next = readBlock(it.session, 1);
    const held = await it.holding.next();
    held.talk.data(held.request, sector(1));
    assert.equal(await next, 1);
    assert.equal(it.session.usable, true);
    assert.equal(it.session.heldBytes, 0);
  });

  it('lets the commands in flight finish when it is left for silence', async () => {
    await using it = await openedSession();
    const patient = readBlock(it.session, 0);
    const hasty = readBlock(it.session, 1, short);
    const [first] = await it.holding.several(2);
    await assert.rejects(hasty, OutcomeUnknown);
    assert.equal(it.session.usable, false);
    first!.talk.data(first!.request, sector(4));
    assert.equal(await patient, 4);
    await ended(it.holding.target.connections[0]!);
  });

  it('does not know the outcome of anything in flight when the connection breaks', async () => {
    await using it = await openedSession();
    const reasons: string[] = [];
    it.session.onClosed((reason) => reasons.push(reason));
    const reads = Promise.allSettled([readBlock(it.session, 0), readBlock(it.session, 1)]);
    const [first] = await it.holding.several(2);
    first!.talk.socket.end();
    for (const result of await reads) {
      assert.ok(result.status === 'rejected' && result.reason instanceof OutcomeUnknown);
      assert.match(
        result.reason.message,
        /: READ\(16\) to unit 1 was not answered: session lost: closed by the target$/,
      );
    }
    assert.deepEqual(reasons, ['closed by the target']);
    await new Promise<void>((resolve) => it.session.onClosed(() => resolve()));
  });

  it('lets commands wait for room in the window, and sends them in order when there is some', async () => {
    await using it = await openedSession({
      login: (request, talk) => ((talk.window = 2), talk.loginResponse(request, []), true),
    });
    const reads = Array.from({ length: 5 }, (_, lba) => readBlock(it.session, lba));
    const order: number[] = [];
    for (let answered = 0; answered < 5; answered += 1) {
      const { request, talk } = await it.holding.next();
      order.push(request.cdb[9]!);
      assert.ok(it.holding.untaken <= 1, 'no more than the window');
      talk.data(request, sector(request.cdb[9]!));
    }
    assert.deepEqual(order, [0, 1, 2, 3, 4]);
    assert.deepEqual(await Promise.all(reads), order);
  });

  it('never sent what found no room until its deadline: it has no effect', async () => {
    await using it = await openedSession({
      login: (request, talk) => ((talk.window = 1), talk.loginResponse(request, []), true),
    });
    const first = readBlock(it.session, 0);
    const second = it.session.command(1, write16(1, sector(1), 512), short);
    await assert.rejects(second, (error: Error) => {
      assert.ok(error instanceof RequestFailed);
      assert.deepEqual([error.code, error.effect], ['ETIMEDOUT', 'none']);
      assert.match(
        error.message,
        /: WRITE\(16\) to unit 1 was not sent: the target took no more commands within 400 ms$/,
      );
      return true;
    });
    const { request, talk } = await it.holding.next();
    talk.data(request, sector(6));
    assert.equal(await first, 6);
    assert.equal(it.holding.untaken, 0);
  });

  it('sends a write as it was when it was asked for, whatever becomes of its memory', async () => {
    const total = 128 * 1024;
    const pieces: Uint8Array[] = [];
    const { promise: all, resolve: gotAll } = Promise.withResolvers<void>();
    const got = (data: Uint8Array): void => {
      pieces.push(data.slice());
      if (pieces.reduce((sum, piece) => sum + piece.length, 0) === total) gotAll();
    };
    await using it = await openedSession({
      other: (pdu) => pdu.kind === 'data-out' && (got(pdu.data), true),
    });
    const bytes = new Uint8Array(total).fill(1);
    const command = it.session.command(1, write16(0, bytes, 512), long);
    bytes.fill(2);
    const { request, talk } = await it.holding.next();
    got(request.data);
    const { tag, lun } = request;
    const offsetBytes = request.data.length;
    assert.ok(offsetBytes < total);
    talk.say({
      kind: 'r2t',
      lun,
      tag,
      targetTag: 5,
      r2tSN: 0,
      offsetBytes,
      lengthBytes: total - offsetBytes,
    });
    await all;
    talk.status(request, 0);
    assert.equal((await command).status, 0);
    assert.ok(pieces.every((piece) => piece.every((byte) => byte === 1)));
  });

  it('sends a write as it was that had to wait for room in the window', async () => {
    await using it = await openedSession({
      login: (request, talk) => ((talk.window = 1), talk.loginResponse(request, []), true),
    });
    const first = readBlock(it.session, 0);
    // A Buffer, which is what comes from a socket: its slice is no copy.
    const bytes = Buffer.from(sector(1));
    const second = it.session.command(1, write16(1, bytes, 512), long);
    bytes.fill(2);
    const { request, talk } = await it.holding.next();
    talk.data(request, sector(0));
    await first;
    const held = await it.holding.next();
    assert.deepEqual(held.request.data, Buffer.from(sector(1)));
    held.talk.status(held.request, 0);
    assert.equal((await second).status, 0);
  });

  it('leaves when a write was given up whose data the target may still ask for', async () => {
    await using it = await openedSession();
    const command = it.session.command(1, write16(0, new Uint8Array(1 << 20), 512), short);
    const { talk } = await it.holding.next();
    talk.say(ping);
    await assert.rejects(command, OutcomeUnknown);
    assert.equal(it.session.usable, false);
    await ended(it.holding.target.connections[0]!);
  });

  it('answers the pings of its target', async () => {
    const heard: InitiatorPdu[] = [];
    await using it = await openedSession({ other: (pdu) => (heard.push(pdu), false) });
    const one = readBlock(it.session, 0);
    const { request, talk } = await it.holding.next();
    talk.say(ping);
    while (heard.length === 0) await new Promise(setImmediate);
    assert.deepEqual(
      heard.map((pdu) => pdu.kind === 'nop-out' && pdu.targetTag),
      [3],
    );
    talk.data(request, sector(0));
    await one;
  });
});
