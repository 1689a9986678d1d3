import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { TakesOrders } from '../ports/orders.ts';
import { startStatusEndpoint, type StatusSource } from './status-endpoint.ts';
import { PAUSE, status } from './status.fixture.ts';
import { temporaryDirectory } from './witness.fixture.ts';

const RELEASED = { owned: true, released: true, epoch: 7, paused: false };

describe('the status endpoint', () => {
  const source = (changes: Partial<StatusSource> = {}): StatusSource => ({
    status: () => status,
    ailment: () => undefined,
    metrics: async () => ({ contentType: 'text/plain', text: 'metrics\n' }),
    orders: orders(),
    ...changes,
  });
  const orders = (changes: Partial<TakesOrders> = {}): TakesOrders => ({
    release: async (then) => ({ ...RELEASED, reason: `asked to ${then}` }),
    handOver: async (to, force) => ({
      ...RELEASED,
      outcome: 'taken',
      reason: `to ${to}, ${force}`,
      boundMs: 9,
    }),
    pause: async () => ({ outcome: 'taken', reason: 'paused', pause: PAUSE }),
    resume: async () => ({ outcome: 'refused', reason: 'not now', pause: PAUSE }),
    ...changes,
  });
  interface Asked {
    method?: string;
    headers?: Record<string, string>;
    body?: string;
  }
  async function ask(to: { socketPath: string } | { port: number }, path: string, how: Asked = {}) {
    const { method = 'GET', headers = {}, body } = how;
    const asking = request({ ...to, path, method, headers });
    asking.end(body);
    const [response] = await once(asking, 'response');
    let text = '';
    for await (const part of response.setEncoding('utf8')) text += part;
    return { code: response.statusCode as number, type: String(response.headers['content-type']), text };
  }
  const json = { 'content-type': 'application/json' };

  it('shows the status as JSON', async () => {
    using state = temporaryDirectory();
    const socketPath = join(state.path, 's');
    await using _endpoint = await startStatusEndpoint(`unix:${socketPath}`, source());
    const { code, type, text } = await ask({ socketPath }, '/status');
    assert.deepEqual([code, type], [200, 'application/json']);
    assert.deepEqual(JSON.parse(text), status);
  });

  it('is healthy until there is a reason not to be, and says it', async () => {
    using state = temporaryDirectory();
    const socketPath = join(state.path, 's');
    let ailment: string | undefined;
    await using _endpoint = await startStatusEndpoint(
      `unix:${socketPath}`,
      source({ ailment: () => ailment }),
    );
    assert.deepEqual(await ask({ socketPath }, '/healthz').then(({ code, text }) => [code, text]), [
      200,
      'ok\n',
    ]);
    ailment = 'blind: read timed out';
    assert.deepEqual(await ask({ socketPath }, '/healthz').then(({ code, text }) => [code, text]), [
      503,
      'blind: read timed out\n',
    ]);
  });

  it('is healthy while paused, and says that it is paused', async () => {
    using state = temporaryDirectory();
    const socketPath = join(state.path, 's');
    const paused = source({ status: () => ({ ...status, pause: PAUSE }) });
    await using _endpoint = await startStatusEndpoint(`unix:${socketPath}`, paused);
    const { code, text } = await ask({ socketPath }, '/healthz');
    assert.deepEqual([code, text], [200, 'ok, but paused by server-1: nobody takes over by itself\n']);
  });

  for (const [path, body, reason] of [
    ['/release', '{"then":"observe"}', 'asked to observe'],
    ['/hand-over', '{"to":"server-2","force":true}', 'to server-2, true'],
    ['/pause', '{}', 'paused'],
    ['/resume', '{}', 'not now'],
  ] as const) {
    it(`does what ${path} asks, and answers with what happened`, async () => {
      using state = temporaryDirectory();
      const socketPath = join(state.path, 's');
      await using _endpoint = await startStatusEndpoint(`unix:${socketPath}`, source());
      const { code, text } = await ask({ socketPath }, path, { method: 'POST', headers: json, body });
      assert.deepEqual([code, (JSON.parse(text) as { reason: string }).reason], [200, reason]);
    });
  }

  //  method  path        headers  body                 code  why
  // prettier-ignore
  for (const [method, path, headers, body, code, why] of [
    ['GET',  '/',         {},      '',                  404,  'there is no such thing'],
    ['GET',  '/release',  {},      '',                  405,  'a link must not release'],
    ['POST', '/status',   {},      '',                  405,  'the status is not written'],
    ['POST', '/release',  {},      '{"then":"exit"}',   415,  'a form of a web page must not release'],
    ['POST', '/release',  json,    '{"then":"maybe"}',  400,  'it says neither exit nor observe'],
    ['POST', '/release',  json,    'then=exit',         400,  'it is not JSON'],
    ['POST', '/release',  json,    ' '.repeat(5000),    400,  'it is too long'],
    ['GET',  '/hand-over', {},     '',                  405,  'a link must not hand over'],
    ['POST', '/hand-over', {},     '{"to":"b","force":true}', 415, 'a form of a web page must not hand over'],
    ['POST', '/hand-over', json,   '{"to":"b"}',        400,  'it does not say whether by force'],
    ['POST', '/hand-over', json,   '{"force":true}',    400,  'it does not say to whom'],
    ['POST', '/pause',    {},      '{}',                415,  'a form of a web page must not pause'],
    ['POST', '/resume',   json,    '',                  400,  'it is not JSON'],
  ] as const) {
    it(`answers ${code} to ${method} ${path}: ${why}`, async () => {
      using state = temporaryDirectory();
      const socketPath = join(state.path, 's');
      const asked = () => assert.fail('an agent must not hear of this');
      const deaf = { release: asked, handOver: asked, pause: asked, resume: asked };
      await using _endpoint = await startStatusEndpoint(`unix:${socketPath}`, source({ orders: deaf }));
      assert.equal((await ask({ socketPath }, path, { method, headers, body })).code, code);
    });
  }

  it('over TCP answers to the names of this machine only', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as { port: number };
    free.close();
    await once(free, 'close');
    await using _endpoint = await startStatusEndpoint(`tcp://127.0.0.1:${port}`, source());
    assert.equal((await ask({ port }, '/healthz')).code, 200);
    assert.equal(
      (await ask({ port }, '/healthz', { headers: { host: `rebound.example:${port}` } })).code,
      403,
    );
  });

  it('replaces the socket of a process that is gone', async () => {
    using state = temporaryDirectory();
    const path = join(state.path, 's');
    const former = spawn(process.execPath, [
      ...[
        '-e',
        `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`,
      ],
      path,
    ]);
    await once(former, 'exit');
    assert.ok(existsSync(path));
    await using _endpoint = await startStatusEndpoint(`unix:${path}`, source());
    assert.equal((await ask({ socketPath: path }, '/status')).code, 200);
  });

  it('leaves a socket alone that somebody answers at', async () => {
    using state = temporaryDirectory();
    const socketPath = join(state.path, 's');
    await using _first = await startStatusEndpoint(`unix:${socketPath}`, source());
    await assert.rejects(startStatusEndpoint(`unix:${socketPath}`, source()), {
      name: 'AddressUnusable',
      message: `unix:${socketPath}: another process answers there`,
    });
    assert.equal((await ask({ socketPath }, '/status')).code, 200);
  });

  it('leaves a file alone that is no socket', async () => {
    using state = temporaryDirectory();
    const path = join(state.path, 's');
    writeFileSync(path, 'precious');
    await assert.rejects(startStatusEndpoint(`unix:${path}`, source()), {
      message: `unix:${path}: ${path} is not a socket`,
    });
    assert.ok(existsSync(path));
  });

  it('says why it cannot be there', async () => {
    await assert.rejects(
      startStatusEndpoint('unix:/nowhere/at/all', source()),
      /: no such directory, or no permission to listen there$/,
    );
    await assert.rejects(
      startStatusEndpoint(`unix:/${'x'.repeat(200)}`, source()),
      /: too long for the path of a socket$/,
    );
    await assert.rejects(
      startStatusEndpoint('tcp://192.0.2.1:9', source()),
      /: this machine has no such address$/,
    );
  });

  it('takes its socket along and finishes what it is answering', async () => {
    using state = temporaryDirectory();
    const socketPath = join(state.path, 's');
    const { promise, resolve } = Promise.withResolvers<void>();
    const release = async () => {
      await promise;
      return { ...RELEASED, reason: 'asked' };
    };
    const endpoint = await startStatusEndpoint(`unix:${socketPath}`, source({ orders: orders({ release }) }));
    const answer = ask({ socketPath }, '/release', {
      method: 'POST',
      headers: json,
      body: '{"then":"exit"}',
    });
    while ((await ask({ socketPath }, '/status')).code !== 200);
    const closed = endpoint[Symbol.asyncDispose]();
    resolve();
    assert.equal((await answer).code, 200);
    await closed;
    assert.equal(existsSync(socketPath), false);
  });
});
