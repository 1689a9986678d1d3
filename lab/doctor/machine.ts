import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isDaemonInstalled } from '../engines/installed.ts';
import { orphanFolders, orphanProcesses } from '../engines/process/reaper.ts';
import { projectRoot } from '../engines/programs.ts';
import { roomIn, runsFolder, whereRunsGo } from '../run/room.ts';
import { aptInstall } from './apt.ts';
import type { Finding } from './finding.ts';

/** What both engines need, and what is there beside them. */
export async function machineFindings(): Promise<Finding[]> {
  return [node(), await room(), await leftProcesses(), ...(await tools())];
}

function node(): Finding {
  const path = relative(projectRoot, process.execPath);
  const where = path.startsWith('..') ? process.execPath : path;
  return { thing: 'Node', state: 'ok', why: `${process.versions.node}, ${where}` };
}

async function room(): Promise<Finding> {
  const thing = 'room for runs';
  const elsewhere = 'export LAB_RUNS=...';
  try {
    const { enough, words } = await roomIn(await whereRunsGo(runsFolder()));
    if (enough) return { thing, state: 'ok', why: words };
    return { thing, state: 'missing', why: words, bring: elsewhere };
  } catch (error) {
    const why = `a run cannot be written to ${runsFolder()}: ${(error as Error).message}`;
    return { thing, state: 'missing', why, bring: elsewhere };
  }
}

async function leftProcesses(): Promise<Finding> {
  const thing = 'left over';
  if (process.platform !== 'linux') return { thing, state: 'ok', why: 'no processes of labs on this system' };
  const [processes, folders] = [await orphanProcesses(), await orphanFolders()];
  if (processes.length + folders.length === 0)
    return { thing, state: 'ok', why: 'no process and no folder of an interrupted lab' };
  const why = `${processes.length} processes and ${folders.length} folders of interrupted labs`;
  return { thing, state: 'untidy', why, bring: 'bin/lab down --all' };
}

/** test/tools: Debian's package, a program of it, what for. */
async function tools(): Promise<Finding[]> {
  const text = await readFile(join(projectRoot, 'test/tools'), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const listed = lines.map((line) => {
    const [, pack = '', program = '', purpose = ''] = /^(\S+) (\S+) (.*)$/.exec(line) ?? [];
    return { pack, program, purpose };
  });
  const installed = await Promise.all(listed.map(({ program }) => isDaemonInstalled(program)));
  const missing = listed.filter((_, i) => installed[i] === false);
  if (missing.length === 0) {
    const why = `for make test and make bench: ${listed.map(({ program }) => program).join(', ')}`;
    return [{ thing: 'test tools', state: 'ok', why }];
  }
  const bring = await aptInstall(missing.map(({ pack }) => pack));
  return missing.map(({ program, purpose }, i): Finding => ({
    ...{ thing: program, state: 'missing', why: `not needed to run the lab; ${purpose}` },
    ...(bring === undefined || i < missing.length - 1 ? {} : { bring }),
  }));
}
