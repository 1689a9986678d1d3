import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { headerOf, sectorsOf } from '../area/area.fixture.ts';
import { encodeHeader } from '../area/header.ts';
import type { AgentStatus } from '../ports/status.ts';
import { arbiter, scratch, startArbiter } from './program.fixture.ts';

const AGENT: AgentStatus = {
  node: 'server-1',
  incarnation: '0123456789abcdef0123456789abcdef',
  cluster: 'fedcba9876543210fedcba9876543210',
  protocol: 'safe',
  fencing: 'gate',
  role: 'active',
  serving: true,
  blind: false,
  epoch: 7,
  leaseRemainingMs: 3120.4,
  owner: 'server-1',
  ownerEpoch: 7,
  pause: null,
  holdsBack: false,
  pids: { agent: 10, guard: 11, service: 12 },
};

describe('arbiter status', () => {
  const { disk, path, remove } = scratch();
  const servers: Server[] = [];
  afterEach(() => servers.splice(0).forEach((server) => server.close()));
  after(remove);

  /** An area whose timings let a look take 15 ms. */
  function quickArea(): string {
    const header = headerOf(512);
    const timings = { ...header.timings, intervalMs: 10 };
    return disk('quorum', Buffer.concat([encodeHeader({ ...header, timings }), ...sectorsOf(512).slice(1)]))
      .uri;
  }

  function configFile(quorum: string, status: string): string {
    const file = path('agent.yaml');
    const lines = [
      `node: server-1`,
      `quorum: ${quorum}`,
      'data: nbd://storage',
      'state: /tmp',
      `status: ${status}`,
    ];
    writeFileSync(file, `${lines.join('\n')}\nservice: { command: [ls] }\n`);
    return file;
  }

  /** Something that answers at a Unix socket as an agent would. */
  async function endpoint(code: number, body: string): Promise<string> {
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/status' ? code : 404).end(body);
    });
    servers.push(server);
    await once(server.listen(path('agent.sock')), 'listening');
    return `unix:${path('agent.sock')}`;
  }

  it('reads the area, twice', async () => {
    const uri = quickArea();
    const { exitCode, stdout, stderr } = await arbiter('status', uri);
    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.match(stdout, /^owner {4}server-2, epoch 1099511627777, silent$/m);
    assert.match(stdout, /^1 {5}server-2 {2}owner .* silent$/m);
    const json = JSON.parse((await arbiter('status', uri, '--json')).stdout);
    assert.deepEqual([json.source, json.record.node, json.nodes.length], ['area', 'server-2', 3]);
  });

  it('watches until it is interrupted, one line of JSON a look', async () => {
    const looking = startArbiter('status', quickArea(), '--watch', '--json');
    const looks: { source: string }[] = [];
    for await (const line of looking) {
      looks.push(JSON.parse(line));
      if (looks.length === 3) looking.kill('SIGINT');
      if (looks.length > 3) break;
    }
    assert.deepEqual(
      looks.slice(0, 3).map((look) => look.source),
      ['area', 'area', 'area'],
    );
    assert.equal((await looking).signal, 'SIGINT');
  });

  it('asks the agent', async () => {
    const file = configFile('file:///none', await endpoint(200, JSON.stringify(AGENT)));
    const { exitCode, stdout, stderr } = await arbiter('status', '-c', file);
    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.deepEqual(stdout.split('\n'), [
      'node       server-1, incarnation 01234567',
      'cluster    fedcba9876543210fedcba9876543210',
      'role       active, serving',
      'epoch      7',
      'lease      ends in 3120 ms',
      'owner      server-1, epoch 7',
      'protocol   safe',
      'fencing    gate',
      'processes  agent 10, guard 11, service 12',
    ]);
    assert.deepEqual(JSON.parse((await arbiter('status', '-c', file, '--json')).stdout), {
      source: 'agent',
      ...AGENT,
    });
  });

  it('says what is unsafe or blind about an agent', async () => {
    const worse = {
      ...AGENT,
      role: 'standby',
      serving: false,
      blind: true,
      epoch: 0,
      owner: '',
      fencing: 'none',
      protocol: 'literal',
    };
    const pids = { agent: 10, guard: null, service: null };
    const file = configFile(
      'file:///none',
      await endpoint(200, JSON.stringify({ ...worse, leaseRemainingMs: null, pids })),
    );
    assert.deepEqual((await arbiter('status', '-c', file)).stdout.split('\n').slice(2), [
      'role       standby',
      'lease      none',
      'owner      none',
      'blind      reads of the quorum area fail; it will not take over',
      'protocol   literal (unsafe)',
      'fencing    none (unsafe)',
      'processes  agent 10, guard none, service none',
    ]);
  });

  it('falls back to the area when no agent answers, and says so', async () => {
    const file = configFile(quickArea(), `unix:${path('nobody.sock')}`);
    const { exitCode, stdout, stderr } = await arbiter('status', '-c', file);
    assert.equal(exitCode, 0);
    assert.equal(
      stderr,
      `arbiter: the agent does not answer: connect ENOENT ${path('nobody.sock')}; asking the quorum area`,
    );
    assert.match(stdout, /^owner {4}server-2/m);
  });

  it('falls back when what answers is not an agent', async () => {
    for (const [code, body, told] of [
      [500, '', 'its endpoint answers 500 to /status'],
      [200, 'hello', 'what its endpoint answers is not the status of an agent'],
      [200, '{}', 'what its endpoint answers is not the status of an agent'],
    ] as const) {
      const file = configFile(quickArea(), await endpoint(code, body));
      const { stderr } = await arbiter('status', '-c', file);
      assert.equal(stderr, `arbiter: the agent does not answer: ${told}; asking the quorum area`);
      await new Promise((resolve) => servers.pop()!.close(resolve));
    }
  });

  it('wants a URI or a file, and a file that is right', async () => {
    const stderr = 'arbiter: status: give either the URI of a quorum area or -c FILE';
    assert.deepEqual(await arbiter('status'), { exitCode: 64, stdout: '', stderr });
    assert.deepEqual(await arbiter('status', 'file:///a', '-c', 'b'), { exitCode: 64, stdout: '', stderr });
    const missing = `arbiter: ${path('none.yaml')}: cannot be read: no such file`;
    assert.deepEqual(await arbiter('status', '-c', path('none.yaml')), {
      exitCode: 64,
      stdout: '',
      stderr: missing,
    });
  });

  // prettier-ignore
  const UNUSABLE: readonly (readonly [string, () => Uint8Array, string])[] = [
    ['not formatted',      () => new Uint8Array(8192), 'not formatted; `arbiter init` lays out a quorum area'],
    ['something else',     () => new Uint8Array(8192).fill(1), 'no quorum area that can be read: header not an arbiter block: its first 8 bytes are not the magic of one'],
    ['a torn header',      () => Buffer.concat([sectorsOf(512)[0]!.subarray(0, 100), new Uint8Array(8000)]), 'no quorum area that can be read: header torn or corrupt: CRC32C 00000000, computed 8bdafd91'],
    ['too small for any',  () => new Uint8Array(100), 'too small for a quorum area: 100 bytes, a header alone has 512'],
    ['cut short',          () => Buffer.concat(sectorsOf(512)).subarray(0, 2048), 'the export was cut short: 3 slots in sectors of 512 bytes need 2560 bytes, it has 2048'],
  ];
  for (const [what, content, told] of UNUSABLE) {
    it(`says in one line that an area is ${what}`, async () => {
      const { uri } = disk('unusable', content());
      assert.deepEqual(await arbiter('status', uri), {
        exitCode: 3,
        stdout: '',
        stderr: `arbiter: ${uri}: ${told}`,
      });
    });
  }
});
