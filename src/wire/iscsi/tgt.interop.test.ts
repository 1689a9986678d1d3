import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { needsTgt, Tgt } from '../../block/iscsi/tgt.fixture.ts';
import { usualOptions } from './initiator.fixture.ts';
import { Initiator } from './initiator.ts';
import type { InitiatorOptions } from './options.ts';
import type { InitiatorOutcome } from './outcome.ts';
import type { Issued } from './requests.ts';
import type { SessionParameters } from './session-parameters.ts';

/** A session with nothing around it: one thing at a time, no deadlines but the test's. */
class Bare implements AsyncDisposable {
  readonly initiator: Initiator;
  readonly #socket: Socket;
  readonly #heard: InitiatorOutcome[] = [];

  constructor(port: number, options: Partial<InitiatorOptions>) {
    this.initiator = new Initiator({ ...usualOptions, ...options });
    this.#socket = connect(port, '127.0.0.1');
    this.send(this.initiator.begin());
  }

  send(pieces: readonly Uint8Array[]): void {
    this.#socket.write(Buffer.concat(pieces));
  }

  /** The next outcome that is not something to send. */
  async next(): Promise<InitiatorOutcome> {
    for (;;) {
      const outcome = this.#heard.shift();
      if (outcome?.kind === 'send') this.send(outcome.pieces);
      else if (outcome !== undefined) return outcome;
      else {
        const [chunk] = (await once(this.#socket, 'data')) as [Buffer];
        this.#heard.push(...this.initiator.receive(chunk));
      }
    }
  }

  async run(issued: Issued | undefined): Promise<InitiatorOutcome & { kind: 'answered' }> {
    this.send(issued!.pieces);
    const outcome = await this.next();
    assert.ok(outcome.kind === 'answered', JSON.stringify(outcome));
    return outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.destroy();
    await closed;
  }
}

const blocks = (opcode: number, count: number): Uint8Array =>
  Uint8Array.of(opcode, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, count >> 8, count, 0, 0);

describe('an iSCSI initiator and tgt', function () {
  before(async function () {
    await needsTgt(this);
  });

  const ways: {
    what: string;
    settings?: Record<string, string>;
    options?: Partial<InitiatorOptions>;
    agreed: Partial<SessionParameters>;
  }[] = [
    { what: 'as tgt has it', agreed: { initialR2T: true, immediateData: true, maxSendSegmentBytes: 8192 } },
    {
      what: 'with nothing unasked for',
      options: { wishes: { initialR2T: true, immediateData: false } },
      agreed: { initialR2T: true, immediateData: false },
    },
    {
      what: 'with a whole burst unasked for',
      settings: { InitialR2T: 'No', FirstBurstLength: '32768' },
      agreed: { initialR2T: false, immediateData: true, firstBurstBytes: 32768 },
    },
    {
      what: 'with a burst but no immediate data',
      settings: { InitialR2T: 'No', ImmediateData: 'No' },
      agreed: { initialR2T: false, immediateData: false },
    },
    {
      what: 'in segments of 512 bytes',
      settings: { MaxRecvDataSegmentLength: '512' },
      options: { wishes: { maxReceiveSegmentBytes: 512 } },
      agreed: { maxSendSegmentBytes: 512, maxReceiveSegmentBytes: 512 },
    },
    {
      what: 'in short bursts',
      options: { wishes: { maxBurstBytes: 4096 } },
      agreed: { maxBurstBytes: 4096, firstBurstBytes: 4096 },
    },
    {
      what: 'with digests, through the end of the command numbers',
      settings: { HeaderDigest: 'CRC32C', DataDigest: 'CRC32C' },
      options: { headerDigest: 'crc32c', dataDigest: 'crc32c', firstCmdSN: 0xfffffffc },
      agreed: { digests: { header: true, data: true } },
    },
  ];
  for (const { what, settings = {}, options = {}, agreed } of ways) {
    it(`read back what was written, ${what}`, async () => {
      await using tgt = await Tgt.start({ settings });
      await using bare = new Bare(tgt.port, options);
      const { initiator } = bare;
      const ready = await bare.next();
      assert.ok(ready.kind === 'ready', JSON.stringify(ready));
      assert.deepEqual({ ...ready.session, ...agreed }, ready.session);
      assert.equal((await bare.run(initiator.issue({ lun: 1, cdb: new Uint8Array(6) }))).status, 2, '29/00');
      for (const count of [1, 3, 16, 129, 1000]) {
        const dataOut = Uint8Array.from(
          { length: count * 512 },
          (_, at) => (at * 7 + (at >> 9) + count) % 256,
        );
        const wrote = await bare.run(initiator.issue({ lun: 1, cdb: blocks(0x8a, count), dataOut }));
        const dataInBytes = dataOut.length;
        const read = await bare.run(initiator.issue({ lun: 1, cdb: blocks(0x88, count), dataInBytes }));
        assert.deepEqual([wrote.status, read.status], [0, 0]);
        assert.ok(Buffer.from(read.data).equals(dataOut), `${count} blocks`);
      }
      bare.send(initiator.logout());
      assert.equal((await bare.next()).kind, 'logged-out');
      assert.deepEqual([initiator.unanswered, initiator.heldBytes], [0, 0]);
    });
  }

  it('agree on the targets there are', async () => {
    await using tgt = await Tgt.start();
    await using bare = new Bare(tgt.port, { targetName: '' });
    assert.equal((await bare.next()).kind, 'ready');
    bare.send(bare.initiator.ask([['SendTargets', 'All']]).pieces);
    const answer = await bare.next();
    assert.ok(answer.kind === 'text');
    assert.deepEqual(answer.pairs, [
      ['TargetName', tgt.target],
      ['TargetAddress', `127.0.0.1:${tgt.port},1`],
    ]);
  });
});
