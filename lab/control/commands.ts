import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { explain } from '../checkers/explain.ts';
import { recheck } from '../checkers/recheck.ts';
import { interruptible } from '../commands/interruptible.ts';
import { chooseEngine } from '../engines/choose.ts';
import { followFile } from '../engines/process/follow-file.ts';
import { reapOrphans } from '../engines/process/reaper.ts';
import { projectRoot } from '../engines/programs.ts';
import { chooseStorages, type StorageKind } from '../engines/storage.ts';
import { exitCodes, InfrastructureError, UsageError } from '../errors.ts';
import { writeReports } from '../report/rewrite.ts';
import { faultProblem } from '../faults/asked-for.ts';
import { pointLatestTo } from '../run/run-folder.ts';
import { wrapped } from '../wrapped.ts';
import { askUnixSocket, Refused } from './ask.ts';
import { comesUp } from './coming-up.ts';
import { control } from './controller.ts';
import type { HandFault, HandStatus } from './hand-lab.ts';
import { labsUp, socketOf, theLab } from './registry.ts';
import { statusText } from './status-text.ts';

/** A server is a handful of processes; and the quorum area has 64 slots. */
const MOST_SERVERS = 16;

export async function bringUp(
  wanted: { engine?: string; storage?: StorageKind },
  servers: number,
): Promise<void> {
  if (servers > MOST_SERVERS) throw new UsageError(`--servers ${servers}: at most ${MOST_SERVERS}`);
  const { engine, why } = await chooseEngine(wanted.engine);
  // One world has one storage: the first of those that a run would take.
  const wish = wanted.storage === undefined ? [] : [wanted.storage];
  const [storage] = (await chooseStorages(engine.name, wish)) as [StorageKind];
  console.log(wrapped(`engine: ${engine.name} (${why}); storage: ${storage}`, 80, '  '));
  const id = randomBytes(4).toString('hex');
  const directory = join(process.env['LAB_RUNS'] ?? join(projectRoot, 'lab-runs'), `by-hand-${id}`);
  const argv = ['hold', id, engine.name, storage, String(servers), directory];
  await interruptible((signal) => comesUp(id, argv, directory, signal));
  console.log(
    `lab ${id} is up: ${servers} servers; its history grows in ${relative(process.cwd(), directory)}`,
  );
  console.log('next: lab status | lab fault kill active | lab logs server-1 | lab down');
}

export async function holdLab(
  id: string,
  engineName: string,
  storage: StorageKind,
  servers: number,
  directory: string,
): Promise<void> {
  const { engine } = await chooseEngine(engineName);
  await interruptible((signal) => control(id, { engine, storage }, servers, directory, signal));
}

export async function showStatus(lab: string | undefined, json: boolean): Promise<void> {
  const status = (await ask(await theLab(lab), 'GET', '/status')) as HandStatus;
  if (json) return console.log(JSON.stringify(status, null, 2));
  console.log(statusText(status));
}

export async function injectFault(
  lab: string | undefined,
  fault: string,
  target: string,
  parts: string | undefined,
) {
  const id = await theLab(lab);
  const { servers } = (await ask(id, 'GET', '/status')) as HandStatus;
  const problem = faultProblem(
    fault,
    target,
    parts?.split(','),
    servers.map((each) => each.server),
  );
  if (problem !== undefined) throw new UsageError(problem);
  const options = parts === undefined ? {} : { parts: parts.split(',') };
  const done = (await ask(id, 'POST', '/fault', { fault, target, options })) as HandFault;
  console.log(
    `fault ${done.id}: ${done.fault} ${done.target} is effective; take it back with: lab heal ${done.id}`,
  );
}

export async function healFault(lab: string | undefined, id: number | undefined): Promise<void> {
  if (id !== undefined) {
    const { faults } = (await ask(await theLab(lab), 'GET', '/status')) as HandStatus;
    const waiting = faults.filter((each) => !each.healed).map((each) => each.id);
    if (!waiting.includes(id)) {
      const there = waiting.length === 0 ? 'none does' : `there are ${waiting.join(', ')}`;
      throw new UsageError(`no fault ${id} waits to be healed; ${there}`);
    }
  }
  const healed = (await ask(await theLab(lab), 'POST', '/heal', { id })) as HandFault[];
  for (const each of healed) console.log(`fault ${each.id}: ${each.fault} ${each.target} is healed`);
  if (healed.length === 0) console.log('nothing to heal');
}

export async function showLogs(
  lab: string | undefined,
  member: string | undefined,
  follow: boolean,
): Promise<void> {
  const { directory, servers } = (await ask(await theLab(lab), 'GET', '/status')) as HandStatus;
  const names = servers.map((s) => s.server);
  const known = [...names, 'storage', 'client', 'lab'];
  if (member !== undefined && !known.includes(member)) {
    throw new UsageError(`no member is called ${member}; there are ${known.join(', ')}`);
  }
  const files = (member === undefined ? names : [member]).map((name) => join(directory, fileOf(name)));
  if (!follow) {
    for (const file of files) {
      for await (const chunk of createReadStream(file, 'utf8')) process.stdout.write(String(chunk));
    }
    return;
  }
  await interruptible(async (signal) => {
    const followers = await Promise.all(files.map((file) => followFile(file, (line) => console.log(line))));
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    for (const follower of followers) await follower.close();
  });
}

function fileOf(member: string): string {
  if (member === 'storage') return 'audit.jsonl';
  return member === 'client' || member === 'lab' ? `${member}.jsonl` : `journal-${member}.jsonl`;
}

export async function bringDown(lab: string | undefined, all: boolean): Promise<void> {
  const labs = all ? await labsUp() : [await theLab(lab)];
  for (const id of labs) await endLab(id, all);
  if (!all) return;
  const processes = await reapOrphans();
  const { reapContainers } = await import('../engines/docker/reap-all.ts');
  const containers = await reapContainers();
  const left = `left behind by interrupted ones and ended: ${processes} processes, ${containers}`;
  console.log(wrapped(`down: ${labs.length} labs; ${left}`, 80, '  '));
}

async function endLab(id: string, forgiving: boolean): Promise<void> {
  const socket = await socketOf(id);
  try {
    const { directory, pid } = (await ask(id, 'POST', '/down')) as HandStatus;
    await gone(pid);
    const [judged] = await recheck(directory);
    console.log(`lab ${id} is down; its history is in ${relative(process.cwd(), directory)}`);
    if (judged === undefined) return;
    console.log(explain(judged.record, judged.judgement));
    await tellReport(directory);
    await pointLatestTo(directory);
    process.exitCode = exitCodes[judged.judgement.verdict];
  } catch (error) {
    if (!forgiving) throw error;
    await rm(socket, { force: true }); // its controller was killed; what it left is reaped next
  }
}

/** The verdict stands whatever becomes of its report. */
async function tellReport(directory: string): Promise<void> {
  try {
    for (const path of await writeReports(directory)) console.log(`report: ${relative(process.cwd(), path)}`);
  } catch (error) {
    console.error(`lab: no report was written: ${(error as Error).message}`);
  }
}

/** Down is down when the controller is gone: by then the disks are collected and nothing runs any more. */
async function gone(pid: number): Promise<void> {
  const until = performance.now() + 60_000;
  while (isAlive(pid)) {
    if (performance.now() > until)
      throw new InfrastructureError(`the lab's controller (process ${pid}) did not end within 60 s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** What makes no sense as things stand is the user's mistake, whoever finds it. */
async function ask(id: string, method: string, path: string, body?: unknown): Promise<unknown> {
  try {
    return await askUnixSocket(await socketOf(id), method, path, body, 120_000);
  } catch (error) {
    if (error instanceof Refused && error.status === 409) throw new UsageError(error.message);
    throw error;
  }
}
