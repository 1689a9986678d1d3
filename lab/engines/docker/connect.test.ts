import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineState, reasonFor } from './connect.ts';

describe('an engine that cannot be reached', () => {
  let directory: string;
  const host = process.env['DOCKER_HOST'];
  before(() => delete process.env['DOCKER_HOST']);
  after(() => {
    if (host !== undefined) process.env['DOCKER_HOST'] = host;
  });
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'connect-test-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('is missing when there is no socket', async () => {
    const socketPath = join(directory, 'none.sock');
    const why = `there is no ${socketPath}: is Docker installed and started?`;
    assert.deepEqual(await engineState({ socketPath }), { answers: false, why, code: 'ENOENT' });
  });

  it('is silent when the socket is there and nobody answers', async () => {
    const socketPath = join(directory, 'silent.sock');
    const server = createServer((socket) => void socket.resume()).listen(socketPath);
    await once(server, 'listening');
    const state = await engineState({ socketPath }, 30);
    assert.ok(!state.answers && /does not answer within 30 ms/.test(state.why), JSON.stringify(state));
    server.close();
  });

  it('says what to do when permission is missing', () => {
    const error = Object.assign(new Error('connect EACCES'), {
      code: 'EACCES',
      address: '/var/run/docker.sock',
    });
    assert.equal(
      reasonFor(error, 'x'),
      'no permission for /var/run/docker.sock: add yourself to the docker group, or run as root, or use --engine process',
    );
  });

  it('is named with whatever else went wrong', () => {
    const error = Object.assign(new Error('getaddrinfo ENOTFOUND nowhere'), { code: 'ENOTFOUND' });
    assert.equal(reasonFor(error, 'tcp://nowhere:2375'), 'tcp://nowhere:2375: getaddrinfo ENOTFOUND nowhere');
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED', address: '/s' });
    assert.equal(reasonFor(refused, 'x'), 'nothing listens at /s: is Docker started?');
  });
});
