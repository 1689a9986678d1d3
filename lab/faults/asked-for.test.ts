import assert from 'node:assert/strict';
import { faultProblem } from './asked-for.ts';

const servers = ['server-1', 'server-2'];

// prettier-ignore
const rows: readonly [name: string, target: string, parts: string | undefined, problem: RegExp | undefined][] = [
  ['kill',         'active',   undefined, undefined],
  ['kill',         'server-2', undefined, undefined],
  ['storage-kill', 'storage',  undefined, undefined],
  ['stall',        'standby',  'agent',   undefined],
  ['kil',          'active',   undefined, /^no fault is called kil; there are kill, stop, /],
  ['kill',         'server-9', undefined, /^nothing is called server-9; there are active, standby, storage, server-1, server-2$/],
  ['kill',         'storage',  undefined, /^kill hits a server: .*; storage-kill hits the storage$/],
  ['storage-kill', 'active',   undefined, /^storage-kill hits the storage and nothing else$/],
  ['pause',        'standby',  'agent',   /^--parts is for stall alone; pause hits all of a server$/],
  ['stall',        'standby',  'agnt',    /^--parts agnt: there are agent, guard, service$/],
];

describe('a fault that a person asks for', () => {
  for (const [name, target, parts, problem] of rows) {
    const flags = parts === undefined ? '' : ` --parts ${parts}`;
    it(`${problem === undefined ? 'is taken' : 'is refused before anything is hurt'}: ${name} ${target}${flags}`, () => {
      const said = faultProblem(name, target, parts?.split(','), servers);
      if (problem === undefined) assert.equal(said, undefined);
      else assert.match(said ?? 'nothing was said', problem);
    });
  }
});
