import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDeviceUri } from '../block/uri.ts';
import { ConfigurationError } from './agent-config.ts';
import { loadAgentConfig, parseAgentConfig } from './load.ts';

const GOOD: Readonly<Record<string, string>> = {
  node: 'server-1',
  quorum: 'nbd://storage:10809/quorum',
  data: 'nbd://storage:10809',
  service: '{ command: [/usr/bin/ledger, --verbose] }',
  state: '/var/lib/arbiter',
};

/** A good file with some keys replaced, added, or (undefined) left out. */
function fileWith(changes: Readonly<Record<string, string | undefined>> = {}): string {
  return Object.entries({ ...GOOD, ...changes })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
}

function problemsOf(text: string): readonly string[] {
  try {
    parseAgentConfig(text, 'agent.yaml');
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    assert.equal(error.exitCode, 64);
    return error.problems;
  }
  return [];
}

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  return assert.fail('nothing was thrown');
}

const NODE = 'a node name has 1 to 31 lower-case letters, digits and hyphens, the first one not a hyphen';
const COMMAND = 'a list of program and arguments, as [/usr/bin/ledger, --verbose]';
const CLUSTER = 'the id of the cluster, 32 hexadecimal digits, as `arbiter init` printed it';
const ONE_AREA = 'the quorum area itself; the data area is a unit, an export or a file of its own';
const STATUS = 'must be unix:/PATH or tcp://127.0.0.1:PORT';

// prettier-ignore
const WRONG: readonly (readonly [string, Readonly<Record<string, string | undefined>>, string])[] = [
  ['no node',                  { node: undefined },              `agent.yaml: node: missing: ${NODE}`],
  ['a bad node name',          { node: 'Server_1' },             `agent.yaml:1: node: 'Server_1': ${NODE}`],
  ['a node name too long',     { node: 'a'.repeat(32) },         `agent.yaml:1: node: '${'a'.repeat(32)}': ${NODE}`],
  ['a node that is a number',  { node: '1' },                    `agent.yaml:1: node: 1: ${NODE}`],
  ['a cluster without quotes', { cluster: '1234' },              `agent.yaml:6: cluster: 1234: ${CLUSTER}`],
  ['a bad cluster id',         { cluster: '4D' },                `agent.yaml:6: cluster: '4D': ${CLUSTER}`],
  ['an empty key',             { quorum: '' },                   'agent.yaml:2: quorum: empty: the URI of the quorum area, as nbd://HOST:PORT/quorum'],
  ['a relative path',          { quorum: 'quorum.img' },         "agent.yaml:2: quorum: 'quorum.img': a path from the root on, for an agent may be started anywhere"],
  ['an unknown fencing',       { fencing: 'gates' },             "agent.yaml:6: fencing: 'gates': gate, reservation or none; left out, what goes with `data`"],
  ['an unknown protocol',      { protocol: 'fast' },             "agent.yaml:6: protocol: 'fast': safe or literal"],
  ['yes for true',             { unsafe: 'yes' },                "agent.yaml:6: unsafe: 'yes': true or false"],
  ['no command',               { service: '{ env: {} }' },       `agent.yaml:4: service.command: missing: ${COMMAND}`],
  ['an empty command',         { service: '{ command: [] }' },   `agent.yaml:4: service.command: []: ${COMMAND}`],
  ['an empty program',         { service: '{ command: [""] }' }, `agent.yaml:4: service.command: [""]: ${COMMAND}`],
  ['a command line',           { service: '{ command: ls -l }' }, `agent.yaml:4: service.command: 'ls -l': ${COMMAND}`],
  ['a number as argument',     { service: '{ command: [a, 8] }' }, 'agent.yaml:4: service.command[1]: 8: an argument is text: put it in quotes'],
  ['a number in env',          { service: '{ command: [a], env: { PORT: 8 } }' }, 'agent.yaml:4: service.env.PORT: 8: a value is text: put it in quotes'],
  ['a variable of the agent',  { service: '{ command: [a], env: { ARBITER_NODE: b } }' }, 'agent.yaml:4: service.env.ARBITER_NODE: names that begin with ARBITER_ are set by the agent'],
  ['no variable',              { service: '{ command: [a], env: { "a b": b } }' }, 'agent.yaml:4: service.env.a b: not the name of an environment variable'],
  ['a relative directory',     { service: '{ command: [a], directory: b }' }, "agent.yaml:4: service.directory: 'b': the directory the service starts in, from the root on"],
  ['a relative state',         { state: 'var' },                 "agent.yaml:5: state: 'var': the directory for the process id of the service, from the root on"],
  ['an unknown status',        { status: 'http://a' },           `agent.yaml:6: status: 'http://a': ${STATUS}`],
  ['a status for everybody',   { status: 'tcp://0.0.0.0:80' },   `agent.yaml:6: status: 'tcp://0.0.0.0:80': ${STATUS}; it has no access control and is served on the loopback address only`],
  ['a status without port',    { status: 'tcp://127.0.0.1' },    `agent.yaml:6: status: 'tcp://127.0.0.1': ${STATUS}`],
  ['a relative socket',        { status: 'unix:a' },             `agent.yaml:6: status: 'unix:a': ${STATUS}`],
  ['a socket path too long',   { status: `unix:/${'a'.repeat(107)}` }, `agent.yaml:6: status: '/${'a'.repeat(107)}': a socket's path has at most 107 bytes, this one 108`],
  ['a misspelt key',           { fenicng: 'gate' },              "agent.yaml:6: fenicng: unknown key; did you mean 'fencing'?"],
  ['an unknown key',           { interval: '1000' },             'agent.yaml:6: interval: unknown key; known are node, cluster, quorum, data, fencing, protocol, unsafe, guard, service, status, state'],
  ['an unknown key inside',    { service: '{ command: [a], dirctory: /b }' }, "agent.yaml:4: service.dirctory: unknown key; did you mean 'directory'?"],
  ['no fencing, and safe',     { fencing: 'none' },              'agent.yaml:6: fencing: none needs `unsafe: true`: nobody keeps a former owner from writing to the data area'],
  ['no guard, and safe',       { guard: 'false' },               'agent.yaml:6: guard: false needs `unsafe: true`: nothing ends the service when the agent is stuck'],
  ['literal behind a gate',    { protocol: 'literal', unsafe: 'true' }, 'agent.yaml:6: protocol: literal needs `fencing: none`: it has no epochs for a gate to go by'],
  ['a gate before a file',     { data: 'file:///d', fencing: 'gate' }, "agent.yaml:3: data: 'file:///d': `fencing: gate` needs an NBD server that is a gate, as nbd://HOST:PORT"],
  ['a reservation of a file',  { data: 'file:///d', fencing: 'reservation' }, "agent.yaml:3: data: 'file:///d': `fencing: reservation` needs a SCSI unit, as iscsi://HOST/TARGET/LUN or /dev/disk/by-id/NAME"],
  ['a file, and no word of it', { data: 'file:///d' },           "agent.yaml:3: data: 'file:///d': nobody keeps a former owner from writing there: say `fencing: none` and `unsafe: true`"],
  ['literal under reservations', { protocol: 'literal', unsafe: 'true', data: '/dev/sda' }, 'agent.yaml:6: protocol: literal needs `fencing: none`: it has no epochs for a reservation to go by'],
  ['two gates',                { data: '[nbd://a, nbd://b]' },   'agent.yaml:3: data: 2 URIs; several paths to one unit need `fencing: reservation`'],
  ['no path at all',           { data: '[]' },                   'agent.yaml:3: data: []: the URI of the data area; of a gate as nbd://HOST:PORT, of several paths to one unit a list'],
  ['a path that is a number',  { data: '[/dev/sda, 8]' },        'agent.yaml:3: data[1]: 8: the URI of the data area; of a gate as nbd://HOST:PORT, of several paths to one unit a list'],
  ['paths of two kinds',       { data: '[/dev/sda, nbd://a]' },  'agent.yaml:3: data: its paths are of several kinds, so they do not lead to one unit'],
  ['no room for the socket',   { data: 'iscsi://a/iqn.2026-11.example:t/2', state: `/${'a'.repeat(100)}` }, `agent.yaml:5: state: '/${'a'.repeat(100)}/data.sock': a socket's path has at most 107 bytes, this one 111`],
  ['two disks',                { data: '[/dev/sda, /dev/sdb]' }, "agent.yaml:3: data: '/dev/sda': a disk of this machine is one path; several are for iSCSI"],
  ['the same path twice',      { data: '[/dev/sda, /dev/sda]' }, 'agent.yaml:3: data: the same path stands there twice'],
  ['one file for both',        { quorum: 'file:///a/../q', data: '/q', fencing: 'none', unsafe: 'true' }, `agent.yaml:3: data: ${ONE_AREA}`],
  ['one export for both',      { quorum: 'nbd://a/q', data: 'nbds://a:10809/q?tls-certificates=/c', fencing: 'none', unsafe: 'true' }, `agent.yaml:3: data: ${ONE_AREA}`],
  ['one unit for both',        { quorum: 'iscsi://me@a/iqn.2026-11.example:t/1', data: '[iscsi://b/iqn.2026-11.example:t/2, iscsi://c/iqn.2026-11.example:t/1]' }, `agent.yaml:3: data: ${ONE_AREA}`],
  ['a relative key file',      { quorum: 'nbds://server-1@a/quorum?tls-psk-file=k' }, "agent.yaml:2: quorum: 'nbds://server-1@a/quorum?tls-psk-file=k': 'k': a path from the root on, for agent and service may be started anywhere"],
  ['relative certificates',    { data: 'nbds://a?tls-certificates=c' }, "agent.yaml:3: data: 'nbds://a?tls-certificates=c': 'c': a path from the root on, for agent and service may be started anywhere"],
  ["another node's key",       { data: 'nbds://server-2@a?tls-psk-file=/k' }, "agent.yaml:3: data: 'nbds://server-2@a?tls-psk-file=/k': has the identity 'server-2'; a gate lets a node in by its own key only, as nbds://server-1@HOST"],
  ["a key without a name",     { data: 'nbds://a?tls-psk-file=/k' }, "agent.yaml:3: data: 'nbds://a?tls-psk-file=/k': has no identity; a gate lets a node in by its own key only, as nbds://server-1@HOST"],
  ['a gate with an export',    { data: 'nbd://a/data' },         "agent.yaml:3: data: 'nbd://a/data': with `fencing: gate` the URI has no export name; the agent asks for data@NODE.EPOCH.INCARNATION"],
];

describe("the agent's file", () => {
  it('needs five keys, and has safe values for the others', () => {
    assert.deepEqual(parseAgentConfig(fileWith(), 'agent.yaml'), {
      node: 'server-1',
      quorum: 'nbd://storage:10809/quorum',
      data: ['nbd://storage:10809'],
      fencing: 'gate',
      protocol: 'safe',
      unsafe: false,
      guard: true,
      service: { command: ['/usr/bin/ledger', '--verbose'], env: {} },
      state: '/var/lib/arbiter',
    });
  });

  it('takes every key there is', () => {
    const text = fileWith({
      cluster: '"00112233445566778899001122334455"',
      quorum: 'nbd+unix:///quorum?socket=/run/gate',
      data: 'file:///var/lib/data.img',
      fencing: 'none',
      protocol: 'literal',
      unsafe: 'true',
      guard: 'false',
      service: '{ command: [a], env: { PORT: "8080" }, directory: /srv }',
      status: 'tcp://127.0.0.1:9100',
    });
    assert.deepEqual(parseAgentConfig(text, 'agent.yaml'), {
      node: 'server-1',
      cluster: '00112233445566778899001122334455',
      quorum: 'nbd+unix:///quorum?socket=/run/gate',
      data: ['file:///var/lib/data.img'],
      fencing: 'none',
      protocol: 'literal',
      unsafe: true,
      guard: false,
      service: { command: ['a'], env: { PORT: '8080' }, directory: '/srv' },
      status: 'tcp://127.0.0.1:9100',
      state: '/var/lib/arbiter',
    });
  });

  it('takes storage behind TLS, by a key of the node or by certificates', () => {
    for (const [quorum, data] of [
      ['nbds://server-1@a/quorum?tls-psk-file=/k', 'nbds://server-1@a?tls-psk-file=/k'],
      ['nbds://a/quorum?tls-certificates=/c', 'nbds://a?tls-certificates=/c'],
    ]) {
      const config = parseAgentConfig(fileWith({ quorum, data }), 'agent.yaml');
      assert.deepEqual([config.quorum, config.data], [quorum, [data]]);
    }
  });

  it('takes the reservation of a disk without being told to', () => {
    const { data, fencing } = parseAgentConfig(fileWith({ data: '/dev/disk/by-id/wwn-1' }), 'agent.yaml');
    assert.deepEqual([data, fencing], [['/dev/disk/by-id/wwn-1'], 'reservation']);
  });

  it('takes the areas of one target, and of one gate', () => {
    const unit = (lun: number) => `iscsi://a/iqn.2026-11.example:t/${lun}`;
    for (const [quorum, data] of [
      [unit(1), unit(2)],
      ['nbd://a', 'nbd://a'],
    ])
      assert.deepEqual(problemsOf(fileWith({ quorum, data })), []);
  });

  it('takes several paths to one unit', () => {
    const paths = ['iscsi://a/iqn.2026-11.example:t/2', 'iscsi://b/iqn.2026-11.example:t/2'];
    const { data, fencing } = parseAgentConfig(fileWith({ data: `[${paths.join(', ')}]` }), 'agent.yaml');
    assert.deepEqual([data, fencing], [paths, 'reservation']);
  });

  for (const [what, changes, line] of WRONG) {
    it(`is refused in one line: ${what}`, () => {
      assert.deepEqual(problemsOf(fileWith(changes)), [line]);
    });
  }

  for (const uri of [
    'nfs://a/b',
    'nbd:///quorum',
    'nbd+unix:///quorum',
    'file://',
    'nbd://u:p@a/q',
    'nbd://a/q?b=c',
  ]) {
    it(`is refused with the words of the block devices: ${uri}`, () => {
      const told = messageOf(() => parseDeviceUri(uri));
      assert.deepEqual(problemsOf(fileWith({ quorum: uri })), [`agent.yaml:2: quorum: ${told}`]);
      assert.deepEqual(problemsOf(fileWith({ data: uri })), [`agent.yaml:3: data: ${told}`]);
    });
  }

  it('has all its problems told, in the order of its lines', () => {
    const text = fileWith({
      node: undefined,
      data: 'nbd:///',
      quorum: undefined,
      unsafe: '1',
      quorm: 'nbd://a/q',
    });
    assert.deepEqual(
      problemsOf(text).map((line) => line.split(': ').slice(0, 2).join(' ')),
      [
        'agent.yaml:1 data',
        'agent.yaml:4 unsafe',
        'agent.yaml:5 quorm',
        'agent.yaml node',
        'agent.yaml quorum',
      ],
    );
  });

  it('must be YAML, with every key once', () => {
    assert.deepEqual(problemsOf('node: a\nnode: b\n'), ['agent.yaml:2: not YAML: Map keys must be unique']);
    assert.match(problemsOf('node: [')[0]!, /^agent\.yaml:1: not YAML: /);
    assert.deepEqual(problemsOf('node: *hunter2\n'), [
      'agent.yaml: an alias (*) of nothing, or of too much; text that begins with * goes in quotes',
    ]);
  });

  it('must not be empty, nor a list', () => {
    const rule = 'a mapping of keys to values: node, quorum, data, service, state, ...';
    assert.deepEqual(problemsOf(''), [`agent.yaml: empty: ${rule}`]);
    assert.deepEqual(problemsOf('- a'), [`agent.yaml: ["a"]: ${rule}`]);
  });
});

describe('loadAgentConfig', () => {
  const directory = mkdtempSync(join(tmpdir(), 'arbiter-config-'));
  after(() => rmSync(directory, { recursive: true }));

  it('reads a file', () => {
    const path = join(directory, 'agent.yaml');
    writeFileSync(path, fileWith());
    assert.equal(loadAgentConfig(path).node, 'server-1');
  });

  it('says which file cannot be read, and why', () => {
    const path = join(directory, 'none.yaml');
    assert.throws(
      () => loadAgentConfig(path),
      new ConfigurationError([`${path}: cannot be read: no such file`]),
    );
    assert.throws(
      () => loadAgentConfig(directory),
      new ConfigurationError([`${directory}: cannot be read: it is a directory`]),
    );
  });
});

describe("a secret in an agent's file", () => {
  const uri = 'iscsi://me%hunter2hunter2@h/iqn.2026-11.example:t/1';
  for (const wrong of [{ quorum: `[${uri}]` }, { data: `{ a: ${uri} }` }, { node: uri }, { state: uri }]) {
    it(`is not shown where ${Object.keys(wrong).join()} is wrong`, () => {
      const [problem = ''] = problemsOf(fileWith(wrong));
      assert.match(problem, /iscsi:\/\/h\/iqn/);
      assert.ok(!problem.includes('hunter2'), problem);
    });
  }

  it('is for a file that others may not use', () => {
    const directory = mkdtempSync(join(tmpdir(), 'arbiter-config-'));
    const path = join(directory, 'agent.yaml');
    writeFileSync(
      path,
      fileWith({ data: `[iscsi://h/iqn.2026-11.example:t/2, '${uri.replace(/1$/, '2')}']` }),
    );
    chmodSync(path, 0o640);
    const told = messageOf(() => loadAgentConfig(path));
    assert.ok(
      told.startsWith(`${path}: a secret stands in a URI, and others may use the file (mode 0640)`),
      told,
    );
    chmodSync(path, 0o600);
    assert.equal(loadAgentConfig(path).node, 'server-1');
    rmSync(directory, { recursive: true });
  });
});
