import assert from 'node:assert/strict';
import { conclude } from './examine.ts';

const answers = { engine: 'docker', why: 'Docker 20.10 answers' } as const;
const silent = { engine: 'process', why: 'no Docker engine: there is no /s' } as const;
const asked = { engine: 'process', why: 'as asked for' } as const;
const none = { engine: null, why: 'no Docker engine: there is no /s' } as const;

describe('what make lab would do', () => {
  // prettier-ignore
  const cases = [
    // asked for  it takes  on docker     on process  ready   in words
    [ undefined,  answers,  undefined,    undefined,  true,   'make lab takes docker (Docker 20.10 answers)' ],
    [ undefined,  silent,   'no engine',  undefined,  true,   'make lab takes process (no Docker engine: there is no /s)' ],
    [ 'process',  asked,    'no engine',  undefined,  true,   'make lab takes process (as asked for)' ],
    [ 'docker',   none,     'no engine',  undefined,  false,  'make lab would fail: no Docker engine: there is no /s' ],
    // Docker answers and no image can be made: what it takes fails, though there is a way.
    [ undefined,  answers,  'no image',   undefined,  true,   'make lab takes docker (Docker 20.10 answers) and would fail: no image; it can run with: LAB_ENGINE=process make lab' ],
    // A wish is not replaced.
    [ 'docker',   answers,  'no image',   undefined,  false,  'make lab takes docker (Docker 20.10 answers) and would fail: no image' ],
    [ 'process',  asked,    undefined,    'no room',  false,  'make lab takes process (as asked for) and would fail: no room' ],
    [ undefined,  answers,  'no room',    'no room',  false,  'make lab takes docker (Docker 20.10 answers) and would fail: no room' ],
    [ undefined,  silent,   'no engine',  'no Linux', false,  'make lab takes process (no Docker engine: there is no /s) and would fail: no Linux' ],
  ] as const;
  for (const [wanted, taken, docker, child, ready, verdict] of cases) {
    it(`asked for ${wanted ?? 'nothing'}, docker ${docker ?? 'can'}, process ${child ?? 'can'}: ${verdict}`, () => {
      assert.deepEqual(conclude(wanted, taken, { docker, process: child }), { ...taken, ready, verdict });
    });
  }
});
