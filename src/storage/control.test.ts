import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { recordOffset } from '../area/layout.ts';
import { dataName, owned, recordSector, StorageDir, TestGate } from './gate.fixture.ts';
import { RawClient } from './raw-client.fixture.ts';

const block = (fill: number): Buffer => Buffer.alloc(512, fill);

/** One request to the control socket: status code and JSON. */
function ask(dir: StorageDir, method: string, path: string, body?: unknown): Promise<[number, unknown]> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: dir.control, method, path }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve([response.statusCode ?? 0, JSON.parse(text)]));
    });
    asked.on('error', reject);
    asked.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
  });
}

async function arm(dir: StorageDir, rule: object): Promise<string> {
  const [code, body] = await ask(dir, 'POST', '/rules', rule);
  assert.equal(code, 201);
  return (body as { id: string }).id;
}

async function holding(dir: StorageDir, id: string): Promise<void> {
  const [, body] = await ask(dir, 'GET', `/rules/${id}?wait=holding&timeoutMs=60000`);
  assert.equal((body as { state: string }).state, 'holding');
}

describe('control: one chosen request', () => {
  it('a held write of the record lands when it is released, though its connection is gone', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    const id = await arm(dir, { export: 'quorum', op: 'write', offset: 512, action: 'hold' });
    const slow = await gate.into('quorum');
    const told = slow.write(512, recordSector(owned('slow', 9)), { fua: true });
    await holding(dir, id);
    slow.destroy();
    assert.equal((await told).outcome, 'no answer');
    await gate.own(owned('a', 5));
    assert.deepEqual(gate.audit.all('quorum-write').length, 1);

    assert.equal((await ask(dir, 'POST', `/rules/${id}/release`))[0], 200);
    const late = await gate.audit.line('quorum-write', ({ record }) => record?.node === 'slow');
    const released = gate.audit.all('rule').find(({ state }) => state === 'released');
    assert.ok(late.beganAt >= released!.t, 'it begins when it is carried out, not when it came');
    assert.ok(
      readFileSync(dir.quorum)
        .subarray(recordOffset(512), 1024)
        .equals(recordSector(owned('slow', 9))),
    );
    await gate.into(dataName('slow', 9));
  });

  it('a held write to the data area whose grant ends is refused, not carried out', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    await gate.own(owned('a', 5));
    const id = await arm(dir, { export: 'data', op: 'write', action: 'hold' });
    const former = await gate.into(dataName('a', 5));
    const told = former.write(1024, block(9));
    await holding(dir, id);
    await gate.own(owned('b', 7));
    assert.equal((await told).outcome, 'ESHUTDOWN');
    await gate.into(dataName('b', 7));
    const [{ connection, node, epoch, offset, length, lastGranted }] = gate.audit.all('write-refused') as [
      never,
    ];
    assert.deepEqual(
      { connection, node, epoch, offset, length, lastGranted },
      { connection: 2, node: 'a', epoch: 5, offset: 1024, length: 512, lastGranted: 7 },
    );
    await ask(dir, 'POST', `/rules/${id}/release`);
    const [, rule] = await ask(dir, 'GET', `/rules/${id}`);
    assert.equal((rule as { outcome: string }).outcome, 'not carried out');
    assert.deepEqual(gate.audit.all('write'), []);
    assert.ok(readFileSync(dir.data).subarray(1024, 1536).equals(block(0)));
  });

  it('that holds when its connection is gone, too', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    await gate.own(owned('a', 5));
    const id = await arm(dir, { export: dataName('a', 5), op: 'write', action: 'hold' });
    const former = await gate.into(dataName('a', 5));
    void former.write(0, block(9));
    await holding(dir, id);
    former.destroy();
    await gate.own(owned('b', 7));
    await gate.audit.line('write-refused');
    await ask(dir, 'DELETE', `/rules/${id}`);
    await gate.into(dataName('b', 7));
    assert.ok(readFileSync(dir.data).subarray(0, 512).equals(block(0)));
  });

  it('it can be one server’s write to one sector: the same of another server goes on', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    const from = async (localAddress: string): Promise<RawClient> =>
      RawClient.into({ ...gate.to, localAddress }, 'quorum');
    const [one, other] = [await from('127.0.0.2'), await from('127.0.0.3')];
    const id = await arm(dir, { peer: '127.0.0.2', op: 'write', offset: 1024, action: 'hold' });
    assert.equal((await other.write(1024, block(3))).outcome, 'ok');
    assert.equal((await one.write(512, block(2))).outcome, 'ok');
    const held = one.write(1024, block(2));
    await holding(dir, id);
    assert.equal((await other.write(1024, block(3))).outcome, 'ok');
    await ask(dir, 'POST', `/rules/${id}/release`);
    assert.equal((await held).outcome, 'ok');
    assert.ok(readFileSync(dir.quorum).subarray(1024, 1536).equals(block(2)));
    one.destroy();
    other.destroy();
  });

  it('holding one request holds no other', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    const id = await arm(dir, { peer: '127.0.0.1', export: 'quorum', op: 'read', nth: 2, action: 'hold' });
    const client = await gate.into('quorum');
    assert.equal((await client.read(0, 512)).outcome, 'ok');
    const held = client.read(0, 512);
    await holding(dir, id);
    assert.equal((await client.read(0, 512)).outcome, 'ok');
    assert.equal((await client.write(4096, block(1))).outcome, 'ok');
    await ask(dir, 'POST', `/rules/${id}/release`);
    assert.equal((await held).outcome, 'ok');
  });

  it('a connection ends when it is told to, and one that is not there is not found', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    const client = await gate.into('quorum');
    const { connection } = await gate.audit.line('connected');
    assert.deepEqual(await ask(dir, 'DELETE', `/connections/${connection}`), [200, {}]);
    assert.equal((await client.write(1024, block(9))).outcome, 'no answer');
    assert.equal((await gate.audit.line('disconnected')).reason, 'ended by control');
    assert.deepEqual(await ask(dir, 'DELETE', `/connections/${connection}`), [
      404,
      { error: `there is no connection ${connection}` },
    ]);
  });

  it('a dropped request is neither carried out nor answered, and those after it are', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    const id = await arm(dir, { export: 'quorum', op: 'write', action: 'drop' });
    const client = await gate.into('quorum');
    const dropped = client.write(1024, block(9));
    assert.equal((await client.write(2048, block(3))).outcome, 'ok');
    const [, rule] = await ask(dir, 'GET', `/rules/${id}`);
    assert.deepEqual(
      [(rule as { state: string }).state, (rule as { outcome: string }).outcome],
      ['dropped', 'not carried out'],
    );
    client.destroy();
    assert.equal((await dropped).outcome, 'no answer');
    assert.ok(readFileSync(dir.quorum).subarray(1024, 1536).equals(block(0)));
  });

  it('a failed request gets its error and is not carried out; a failed write is audited', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    await gate.own(owned('a', 5));
    await arm(dir, { export: 'data', op: 'write', action: 'fail', error: 'ENOSPC' });
    await arm(dir, { export: 'data', op: 'flush', action: 'fail' });
    const client = await gate.into(dataName('a', 5));
    assert.equal((await client.write(0, block(9))).outcome, 'ENOSPC');
    assert.equal((await client.flush()).outcome, 'EIO');
    assert.equal((await client.write(512, block(1))).outcome, 'ok');
    assert.deepEqual(
      gate.audit.all('write').map(({ offset, outcome }) => [offset, outcome]),
      [
        [0, 'ENOSPC'],
        [512, 'ok'],
      ],
    );
    assert.ok(readFileSync(dir.data).subarray(0, 512).equals(block(0)));
  });

  it('a delayed request is carried out by itself', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    const id = await arm(dir, { op: 'write', action: 'delay', delayMs: 5 });
    const client = await gate.into('quorum');
    assert.equal((await client.write(4096, block(1))).outcome, 'ok');
    const [, rule] = await ask(dir, 'GET', `/rules/${id}`);
    const { state, outcome, matched } = rule as { state: string; outcome: string; matched: number };
    assert.deepEqual({ state, outcome, matched }, { state: 'released', outcome: 'ok', matched: 1 });
  });

  it('a gate that stops does not carry out what is held', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    const id = await arm(dir, { op: 'write', action: 'hold' });
    const client = await gate.into('quorum');
    const told = client.write(4096, block(1));
    await holding(dir, id);
    await gate.stop();
    assert.equal((await told).outcome, 'no answer');
    assert.ok(readFileSync(dir.quorum).subarray(4096, 4608).equals(block(0)));
    assert.equal(gate.audit.lines.at(-1)?.event, 'gate-stopped');
  });
});

describe('control: what it answers', () => {
  it('GET /status: the grant, the connections, and whether it drains', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    await gate.own(owned('a', 5));
    await gate.into(dataName('a', 5));
    const [code, body] = await ask(dir, 'GET', '/status');
    const status = body as { connections: { export: string }[] };
    assert.equal(code, 200);
    assert.deepEqual(
      {
        ...status,
        connections: status.connections.map((each) => each.export).filter((name) => name !== 'quorum'),
      },
      {
        fencing: true,
        granted: { node: 'a', epoch: 5, incarnation: 'aaaaaaaa' },
        phase: 'open',
        draining: false,
        next: null,
        clusterId: 'c1'.repeat(16),
        dataWritesUnderWay: 0,
        waiting: 0,
        connections: [dataName('a', 5)],
      },
    );
  });

  // prettier-ignore
  const rows: readonly [method: string, path: string, body: unknown, code: number, error: string][] = [
    ['GET',    '/',                   undefined,           404, 'nothing at /; there are /status, /rules and /connections/ID'],
    ['POST',   '/status',             undefined,           405, 'POST is not possible here; use GET'],
    ['PUT',    '/rules',              undefined,           405, 'PUT is not possible here; use GET or POST'],
    ['POST',   '/rules',              '{',                 400, 'the body is not JSON'],
    ['POST',   '/rules',              { op: 'write' },     400, 'action is undefined; it must be one of hold, delay, fail, drop'],
    ['POST',   '/rules',              `"${'x'.repeat(70000)}"`, 413, 'a body of more than 65536 bytes'],
    ['GET',    '/rules/7',            undefined,           404, 'there is no rule 7'],
    ['DELETE', '/rules/7',            undefined,           404, 'there is no rule 7'],
    ['POST',   '/rules/7/release',    undefined,           404, 'there is no rule 7'],
    ['POST',   '/rules/1/release',    undefined,           409, 'rule 1 holds nothing: it is armed'],
    ['GET',    '/rules/1/release',    undefined,           405, 'GET is not possible here; use POST'],
    ['GET',    '/rules/1?wait=gone',  undefined,           400, "wait is 'gone'; it must be one of armed, holding, released, failed, dropped, removed"],
    ['GET',    '/rules/1?wait=holding&timeoutMs=soon', undefined, 400, "timeoutMs is 'soon'; it must be a number of milliseconds"],
  ];
  it('errors name what is wrong', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    assert.equal(await arm(dir, { op: 'write', action: 'hold' }), '1');
    for (const [method, path, body, code, error] of rows) {
      assert.deepEqual(await ask(dir, method, path, body), [code, { error }], `${method} ${path}`);
    }
    assert.deepEqual(gate.troubles, []);
  });
});
