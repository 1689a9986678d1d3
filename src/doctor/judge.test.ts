import assert from 'node:assert/strict';
import type { DiskFacts } from './disk.ts';
import type { Finding } from './finding.ts';
import { size } from './finding.ts';
import { type FileFacts, judgeFile } from './file.ts';
import { judgeGeometry } from './geometry.ts';
import { judgeHolds } from './late.ts';
import { MemoryDevice } from './memory-device.fixture.ts';
import { judgeNbd, type NbdFacts } from './nbd.ts';
import { judgeOther, Other } from './other-client.ts';

/** What is not as it should be. */
function ill(findings: readonly Finding[]): string[] {
  return findings.filter(({ state }) => state !== 'ok').map(({ thing, state }) => `${thing}: ${state}`);
}

describe('the judgement of a storage', () => {
  // prettier-ignore
  const sizes: readonly (readonly [number, number, string, RegExp])[] = [
    [64 * 1024, 512,   'ok',      /64 KiB in sectors of 512 bytes: room for a quorum area of up to 64 slots/],
    [64 * 1024, 4096,  'ok',      /up to 14 slots/],
    [1536,      512,   'ok',      /up to 1 slots/],
    [1024,      512,   'problem', /the smallest quorum area has 1536 bytes/],
    [0,         512,   'problem', /0 bytes/],
    [2 ** 20,   65536, 'problem', /sectors of 512 or 4096/],
  ];
  for (const [bytes, sectorBytes, state, why] of sizes) {
    it(`finds a size of ${bytes} bytes in sectors of ${sectorBytes} ${state}`, () => {
      const [finding] = judgeGeometry(new MemoryDevice(bytes, { sectorBytes }));
      assert.equal(finding?.state, state);
      assert.match(finding.why, why);
    });
  }

  it('takes nothing that is read-only', () => {
    assert.deepEqual(ill(judgeGeometry(new MemoryDevice(65536, { readOnly: true }))), ['writable: problem']);
    assert.deepEqual(ill(judgeGeometry(new MemoryDevice(65536))), []);
  });

  it('writes sizes as people do', () => {
    assert.deepEqual([2560, 65_536, 1.5 * 2 ** 30, 3 * 2 ** 50].map(size), [
      '2560 bytes',
      '64 KiB',
      '1.5 GiB',
      '3 PiB',
    ]);
  });
});

describe('the judgement of an NBD server', () => {
  const good: NbdFacts = {
    ...{ server: 'nbd://storage', reach: 'network', encrypted: true, durability: 'fua', multiConn: true },
    ...{ minimumBytes: 512, maximumPayloadBytes: 2 ** 25 },
    gate: { kind: 'gate', lastGrantedEpoch: 7, fencing: true },
  };

  // prettier-ignore
  const rows: readonly (readonly [string, Partial<NbdFacts>, readonly string[]])[] = [
    ['finds nothing to say against a gate under TLS', {}, []],
    ['takes a flush for forced unit access', { durability: 'flush' }, []],
    ['takes no server that cannot make a write durable', { durability: 'none' }, ['durability: problem']],
    ['warns of caches that are not shared', { multiConn: false }, ['shared cache: warning']],
    ['takes no server that does not read an area at once', { maximumPayloadBytes: 2048 }, ['request sizes: problem']],
    ['warns of plain text on a network', { encrypted: false }, ['encryption: warning']],
    ['does not warn of it within the machine', { encrypted: false, reach: 'loopback' }, []],
    ['nor on a Unix socket', { encrypted: false, reach: 'socket' }, []],
    ['warns that a server which is no gate fences nobody', { gate: { kind: 'none' } }, ['fencing: warning']],
    ['does not take a gate for one that was not asked', { gate: { kind: 'unasked' } }, ['fencing: warning']],
    ['takes no gate whose fencing is off', { gate: { kind: 'gate', lastGrantedEpoch: 0, fencing: false } }, ['fencing: problem']],
    ['takes a gate that does not know the client', { gate: { kind: 'gate', lastGrantedEpoch: 0, fencing: undefined } }, []],
  ];
  for (const [title, changed, expected] of rows) {
    it(title, () => assert.deepEqual(ill(judgeNbd({ ...good, ...changed }, 2560)), expected));
  }

  it('says what belongs into the file of an agent', () => {
    const fencing = judgeNbd(good, 2560).find(({ thing }) => thing === 'fencing');
    assert.equal(
      fencing?.why,
      "a gate, last granted epoch 7; in the agent's file: data: nbd://storage, fencing: gate",
    );
  });
});

describe('the judgement of a file or disk', () => {
  const disk: DiskFacts = {
    name: 'sda',
    kind: 'scsi',
    cache: 'write back',
    fua: true,
    physicalBytes: 512,
    holds: [],
  };
  const file: FileFacts = {
    path: '/q',
    direct: true,
    regular: true,
    fileSystem: 'ext4',
    disk: undefined,
    reservations: undefined,
  };

  // prettier-ignore
  const rows: readonly (readonly [string, Partial<FileFacts>, readonly string[]])[] = [
    ['warns that nobody else has a file, and that nothing fences', {}, ['who reaches it: warning', 'fencing: warning']],
    ['warns of a page cache', { direct: false }, ['who reaches it: warning', 'page cache: warning', 'fencing: warning']],
    ['warns of memory', { fileSystem: 'tmpfs' }, ['who reaches it: warning', 'durability: warning', 'fencing: warning']],
    ['warns of a disk that writes more than a sector at a time', { regular: false, fileSystem: undefined, disk: { ...disk, kind: 'other', physicalBytes: 4096 } }, ['whole sectors: warning', 'fencing: warning']],
    ['takes a SCSI disk with reservations for fenced', { regular: false, fileSystem: undefined, disk, reservations: { kind: 'taken', keys: [], held: undefined } }, []],
    ['does not promise reservations of a SCSI disk', { regular: false, fileSystem: undefined, disk, reservations: { kind: 'none', why: 'no' } }, ['fencing: warning']],
    ['nor of several paths through the kernel', { regular: false, fileSystem: undefined, disk: { ...disk, kind: 'multipath' } }, ['fencing: warning']],
  ];
  for (const [title, changed, expected] of rows) {
    it(title, () => assert.deepEqual(ill(judgeFile({ ...file, ...changed }, 512)), expected));
  }
});

describe('the judgement of late writes', () => {
  const timings = { intervalMs: 1000, misses: 5, settleMs: 1000, deadlineMs: 500, stopGraceMs: 1000 };
  const hold = (seconds: number | undefined) => ({ what: 'the session', seconds, setBy: 'a setting' });

  it('fears none of a client that never repeats a request', () => {
    assert.equal(judgeHolds('own client', timings).state, 'ok');
  });

  it('holds the longest time-out of an initiator against the lease', () => {
    assert.equal(judgeHolds([hold(4)], timings).state, 'ok');
    const { state, why, todo } = judgeHolds([hold(4), hold(120)], timings);
    assert.equal(state, 'warning');
    assert.match(why, /^the session 4 s, the session 120 s: longer than a lease of 4\.25 s/);
    assert.match(todo!, /a setting$/);
  });

  it('takes a time-out that is not known for endless', () => {
    assert.equal(judgeHolds([hold(undefined), hold(1)], timings).state, 'warning');
    assert.equal(judgeHolds([hold(undefined)], undefined).state, 'warning');
  });
});

describe('the judgement of a second client', () => {
  const served = new Other({ device: new MemoryDevice(512) });

  it('asks that it is served, and that it reads what the first one wrote', () => {
    assert.deepEqual(ill(judgeOther(served, undefined)), []);
    assert.deepEqual(ill(judgeOther(served, true)), []);
    assert.deepEqual(ill(judgeOther(served, false)), ['second client: problem']);
    assert.deepEqual(ill(judgeOther(new Other({ why: 'no answer' }), undefined)), ['second client: problem']);
    assert.deepEqual(judgeOther(undefined, undefined), []);
  });
});
