import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LineWaiter } from './bring-up.ts';
import type { MemberEnd, World, WorldLine } from './engine.ts';

/** A world of two servers to be tried, and everything it told; and what only its engine can do from outside of it. */
export interface Trial {
  world: World;
  dir: string;
  waiter: LineWaiter;
  lines: readonly WorldLine[];
  ends: readonly MemberEnd[];
  /** Whether a process of this server, by its number inside of the server, goes on, is stopped, or is gone. */
  stateOf(server: string, pid: number): Promise<'on' | 'stopped' | 'gone'>;
  /** SIGKILL to a process of this server, which the world was not asked for. */
  killFromOutside(server: string, pid: number): Promise<void>;
}

/** Starts the server, and waits until its agent answers, and its guard stands beside it. */
export async function started({ world, waiter }: Trial, server: string): Promise<void> {
  await world.startServer(server);
  const isUp = async () => {
    const guard = (await world.status(server))?.pids.guard;
    return typeof guard === 'number' && (await world.alive(server)) >= 2;
  };
  await waiter.until(isUp, 20_000, `${server} to answer, and to have a guard`);
}

/** Claims about every engine's worlds, as tests; `trial` is asked for anew in each. No server runs before or after. */
export function worldClaims(trial: () => Trial): void {
  /** What a program in the server meets at the storage node: the gate's refusal where the link is open. */
  async function meets(server: string): Promise<string> {
    const { world } = trial();
    const argv = ['trespass', '--uri', world.storageUri(server), '--export', 'data', '--op', 'read'];
    const { code, stdout, stderr } = await world.runInServer(server, argv);
    assert.equal(code, 0, stderr);
    return (JSON.parse(stdout) as { outcome: string }).outcome;
  }
  const endsOf = (member: string) => trial().ends.filter((end) => end.member === member);

  it('starts a server that answers, with its agent and its guard', async () => {
    await started(trial(), 'server-1');
    assert.ok((await trial().world.alive('server-1')) >= 2);
    assert.equal(await trial().world.alive('server-2'), 0);
  });

  it('freezes a server, all of it, and thaws it', async () => {
    const { world } = trial();
    const before = await world.alive('server-1');
    const { agent, guard } = (await world.status('server-1'))!.pids;
    const states = () => Promise.all([agent, guard!].map((pid) => trial().stateOf('server-1', pid)));
    await world.freeze('server-1');
    assert.equal(await world.alive('server-1'), before, 'frozen is not dead');
    assert.equal(await world.status('server-1'), undefined);
    await assert.rejects(
      async () => world.stall('server-1', ['agent']),
      /server-1 is frozen: its parts cannot be reached before it is thawed/,
    );
    await assert.rejects(world.stopServer('server-1'), /server-1 is frozen: it cannot be asked to stop/);
    await world.thaw('server-1');
    assert.deepEqual(await states(), ['on', 'on']);
    assert.equal((await world.status('server-1'))?.node, 'server-1');
  });

  it('stalls some parts of a server and lets the others run', async () => {
    const { world } = trial();
    const { agent, guard } = (await world.status('server-1'))!.pids;
    const states = () => Promise.all([agent, guard!].map((pid) => trial().stateOf('server-1', pid)));
    await world.stall('server-1', ['guard']);
    assert.deepEqual(await states(), ['on', 'stopped']);
    await world.stall('server-1', ['agent']);
    assert.deepEqual(await states(), ['stopped', 'stopped']);
    assert.equal(await world.status('server-1'), undefined);
    await world.unstall('server-1', ['agent', 'guard']);
    assert.deepEqual(await states(), ['on', 'on']);
    await assert.rejects(
      async () => world.stall('server-1', ['service']),
      /server-1 has no service to stall/,
    );
  });

  it('leaves stalled what was stalled when it thaws the rest', async () => {
    const { world } = trial();
    const { agent, guard } = (await world.status('server-1'))!.pids;
    await world.stall('server-1', ['guard']);
    await world.freeze('server-1');
    await world.thaw('server-1');
    assert.equal(await trial().stateOf('server-1', agent), 'on');
    assert.equal(await trial().stateOf('server-1', guard!), 'stopped');
    await world.unstall('server-1', ['guard']);
  });

  it('lets go on, once it is thawed, what was stalled and taken back while it was frozen', async () => {
    const { world } = trial();
    const { guard } = (await world.status('server-1'))!.pids;
    await world.stall('server-1', ['guard']);
    await world.freeze('server-1');
    await world.unstall('server-1', ['guard']);
    await world.thaw('server-1');
    assert.equal(await trial().stateOf('server-1', guard!), 'on');
  });

  it('cuts a server from the storage silently, proves it, mends it and proves that', async () => {
    const { world } = trial();
    assert.equal(await meets('server-1'), 'refused');
    assert.match(await world.cut('server-1', 'drop'), /silence/);
    assert.equal(await meets('server-1'), 'failed');
    assert.match(await world.mend('server-1'), /^a new connection (is connected|meets the greeting)/);
    assert.equal(await meets('server-1'), 'refused');
    await world.mend('server-1'); // nothing to mend, and no error
  });

  it('cuts a server from the storage by reset: what is open ends and what is new is refused', async () => {
    const { world, waiter } = trial();
    const peer = world.peerAddress('server-1');
    const ended = waiter.line(
      (line) =>
        line.from === 'storage' && line.line.event === 'disconnected' && line.line.peer.startsWith(peer),
      10_000,
      'the storage node to see the reset',
    );
    assert.match(await world.cut('server-1', 'reset'), /reset|refused/);
    await ended;
    assert.equal(await meets('server-1'), 'failed');
    await world.mend('server-1');
    assert.equal(await meets('server-1'), 'refused');
  });

  it('kills a frozen server, tells its end, and starts it again as a new incarnation', async () => {
    const { world } = trial();
    const former = await world.status('server-1');
    await world.freeze('server-1');
    await world.killServer('server-1');
    assert.equal(await world.alive('server-1'), 0);
    const end = { member: 'server-1', code: null, signal: 'SIGKILL', wanted: true };
    assert.deepEqual(endsOf('server-1'), [end]);
    await world.killServer('server-1'); // dead already, and no error
    assert.deepEqual(endsOf('server-1'), [end]);
    await started(trial(), 'server-1');
    assert.notEqual((await world.status('server-1'))?.incarnation, former?.incarnation);
  });

  it('tells an end that nobody asked for, also when it is then asked to kill what is dead', async () => {
    const { world, waiter } = trial();
    const { agent } = (await world.status('server-1'))!.pids;
    await trial().killFromOutside('server-1', agent);
    await waiter.until(async () => endsOf('server-1').length === 2, 10_000, 'the end of server-1 to be told');
    await world.killServer('server-1');
    const end = { member: 'server-1', code: null, signal: 'SIGKILL', wanted: false };
    assert.deepEqual(endsOf('server-1').slice(1), [end]);
  });

  it('stops a server and tells its exit code', async () => {
    const { world } = trial();
    await started(trial(), 'server-1');
    assert.equal(await world.stopServer('server-1'), 0);
    assert.equal(await world.alive('server-1'), 0);
    assert.deepEqual(endsOf('server-1').at(-1), { member: 'server-1', code: 0, signal: null, wanted: true });
  });

  it('says so when there is no such server, or none that runs', async () => {
    const { world } = trial();
    await assert.rejects(async () => world.killServer('server-9'), /no server is called server-9/);
    await assert.rejects(world.freeze('server-1'), /server-1 cannot be .*not running/);
  });

  it('ends the client when it is asked to, after its last line', async () => {
    const { world, waiter, lines } = trial();
    const begins = waiter.line(({ from }) => from === 'client', 20_000, 'the client to begin');
    await world.startClient();
    await begins;
    await world.stopClient();
    const last = lines.findLast(({ from }) => from === 'client');
    assert.ok(last?.from === 'client' && last.line.event === 'client-stopped');
    assert.deepEqual(endsOf('client'), [{ member: 'client', code: 0, signal: null, wanted: true }]);
  });

  it('asks the storage node over its control socket, and passes on what it refuses', async () => {
    const { world } = trial();
    assert.equal(typeof (await world.storageControl('GET', '/status')), 'object');
    await assert.rejects(world.storageControl('GET', '/nowhere'), /nothing at \/nowhere/);
  });

  it('kills the storage node and starts it again; a link mended meanwhile says that nobody is there', async () => {
    const { world, lines } = trial();
    assert.equal(await world.alive('storage'), 1);
    await world.cut('server-1', 'drop');
    await world.killStorage();
    assert.equal(await world.alive('storage'), 0);
    assert.equal(await world.mend('server-1'), 'mended; the storage node is not running');
    await world.startStorage();
    const startedLines = lines.filter(
      (line) => line.from === 'storage' && line.line.event === 'gate-started',
    );
    assert.equal(startedLines.length, 2);
    assert.deepEqual(endsOf('storage'), [{ member: 'storage', code: null, signal: 'SIGKILL', wanted: true }]);
  });
}

/** The end of a world: to be called after everything else that is tried of it. */
export function worldEndClaims(trial: () => Trial): void {
  it('hands out the disks of the stopped storage node, whose end it tells', async () => {
    const { world, dir, ends } = trial();
    await world.collect();
    assert.equal((await stat(join(dir, 'quorum.img'))).size, 64 * 1024);
    assert.equal((await stat(join(dir, 'data.img'))).size, 1024 * 1024);
    assert.match(await readFile(join(dir, 'quorum.img'), 'latin1'), /server-1/);
    const end = ends.findLast(({ member }) => member === 'storage');
    assert.deepEqual(end, { member: 'storage', code: 0, signal: null, wanted: true });
  });

  it('can be brought down more than once', async () => {
    const { world } = trial();
    await world[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });
}
