import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LineWaiter } from '../engines/bring-up.ts';
import type { World } from '../engines/engine.ts';
import { ExpectationMissed } from './expectations.ts';
import { type Hit, measuredFrom } from './hit.ts';
import { Orders } from './orders.ts';
import { nowNs } from './now.ts';
import { Recorder } from './recorder.ts';

describe('an order', () => {
  let directory: string;
  let recorder: Recorder;
  let lines: LineWaiter;
  let hitT: number;
  const hits: [string, Hit['kind']][] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lab-orders-'));
    recorder = await Recorder.open(directory, () => {});
    lines = new LineWaiter((line) => recorder.line(line));
    hits.length = 0;
  });
  afterEach(async () => {
    await recorder.close();
    await rm(directory, { recursive: true });
  });

  /** Every command is answered in turn. */
  function ordersOver(...answers: { code: number; stdout?: string; stderr?: string }[]) {
    const asked: string[] = [];
    const world: Partial<World> = {
      agentFile: (server) => `/etc/${server}.yaml`,
      runInServer: async (server, argv) => {
        asked.push([server, ...argv].join(' '));
        return { stdout: '', stderr: '', ...answers.shift()! };
      },
    };
    const orders = new Orders(world as World, lines, recorder, (server, { kind, t }) => {
      hits.push([server, kind]);
      hitT = t;
    });
    return { orders, asked };
  }

  it('is given to the agent by the program itself, and stands in the history', async () => {
    const { orders, asked } = ordersOver({ code: 0, stdout: 'done' });
    await orders.handOver({ from: 'server-1', to: 'server-2' });
    assert.deepEqual(asked, ['server-1 arbiter handover -c /etc/server-1.yaml --to server-2']);
    assert.deepEqual(hits, [['server-1', 'let-go']]);
    const [order, expected] = recorder.events;
    assert.ok(order?.event === 'order' && order.requestedT <= order.t);
    assert.deepEqual(
      [order.order, order.server, order.to, order.said],
      ['handover', 'server-1', 'server-2', 'done'],
    );
    assert.ok(expected?.event === 'expected' && expected.met);
  });

  it('to hand over to a dead server has to be refused before it is forced', async () => {
    const refused = { code: 1, stderr: 'arbiter: server-2 shows no life' };
    const forced = { code: 1, stdout: 'server-3, not server-2, is active' };
    const { orders, asked } = ordersOver(refused, forced);
    await orders.handOverToDead({ from: 'server-1', to: 'server-2' });
    assert.deepEqual(
      asked.map((argv) => argv.endsWith(' --force')),
      [false, true],
    );
    assert.deepEqual(hits, [['server-1', 'let-go-in-vain']]);
    const { orders: careless } = ordersOver({ code: 0 });
    await assert.rejects(careless.handOverToDead({ from: 'server-1', to: 'server-2' }), ExpectationMissed);
  });

  it('that ends otherwise than it should is a violation, told with what was said', async () => {
    const { orders } = ordersOver({ code: 1, stderr: 'arbiter: server-1: not paused' });
    await assert.rejects(orders.pause('server-1'), /exit code 1: arbiter: server-1: not paused/);
    const expected = recorder.events.at(-1);
    assert.ok(expected?.event === 'expected' && !expected.met && expected.otherwise === 'violated');
  });

  it('to resume at a standby is where the takeover from the dead owner is measured from: when the agent says so', async () => {
    const { orders, asked } = ordersOver({ code: 0 });
    const done = orders.resume('server-2', { insteadOf: 'server-1' });
    await new Promise(setImmediate);
    const t = nowNs();
    const pause = { by: 'server-1', sinceWallMs: 1 };
    const entry = { event: 'resumed', epoch: 2, ...pause, reason: 'lifted at this server' } as const;
    const line = { v: 1, n: 0, t, wall: '', node: 'server-2', incarnation: '', ...entry } as const;
    lines.deliver({ from: 'server', server: 'server-3', line: { ...line, t: t + 1 } });
    lines.deliver({ from: 'server', server: 'server-2', line });
    await done;
    assert.deepEqual(asked, ['server-2 arbiter resume -c /etc/server-2.yaml']);
    assert.deepEqual([hits, hitT], [[['server-1', 'resume']], t]);
  });
});

describe('a takeover is measured', () => {
  // prettier-ignore
  const rows: [kind: Hit['kind'], releasedT: number, sinceT: number, since: string, skipsDeathWait: boolean][] = [
    ['fault',          0,   100, 'fault',   false],
    ['fault',          150, 100, 'fault',   false],
    ['let-go',         150, 150, 'release', true],
    // It was released before, and not now: somebody has to see it dead.
    ['let-go',         50,  100, 'fault',   false],
    ['let-go-in-vain', 150, 150, 'release', false],
    ['resume',         0,   100, 'resume',  true],
    ['resume',         150, 100, 'resume',  true],
  ];
  for (const [kind, releasedT, sinceT, since, skipsDeathWait] of rows) {
    it(`after ${kind} at 100 and a release at ${releasedT} from the ${since} at ${sinceT}`, () => {
      assert.deepEqual(measuredFrom({ t: 100, kind }, releasedT), { sinceT, since, skipsDeathWait });
    });
  }

  it('from now on when nothing has happened', () => {
    const { since, skipsDeathWait } = measuredFrom(undefined, 0);
    assert.deepEqual([since, skipsDeathWait], ['fault', false]);
  });
});
