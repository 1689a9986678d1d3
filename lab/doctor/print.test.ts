import assert from 'node:assert/strict';
import { noneOfThem } from '../engines/ability.ts';
import { faultFindings, untriedFaults } from './faults.ts';
import type { Diagnosis } from './finding.ts';
import { print } from './print.ts';

const long = 'a reason of many words that goes on and on, well beyond what one line of a terminal can hold';
const diagnosis: Diagnosis = {
  ready: false,
  engine: 'docker',
  why: 'Docker answers',
  verdict: `make lab takes docker and would fail: ${long}`,
  machine: [
    { thing: 'Node', state: 'ok', why: '24' },
    { thing: 'fio', state: 'missing', why: long, bring: 'apt-get install -y fio' },
  ],
  docker: {
    findings: [{ thing: 'engine', state: 'impossible', why: long }],
    faults: untriedFaults('docker', 'missing', 'no engine answers', 'make engine'),
    obstacle: long,
  },
  process: { findings: [], faults: faultFindings('process', noneOfThem(long)), obstacle: undefined },
};

describe('a diagnosis in print', () => {
  const lines = print(diagnosis).split('\n');

  it('fits 80 columns, and says everything', () => {
    for (const line of lines) assert.ok(line.length <= 80, line);
    const flat = lines.join(' ').replaceAll(/\s+/g, ' ');
    assert.equal(flat.split(long).length - 1, 4, 'fio, engine, all faults on process, and the verdict');
    for (const { thing, by } of diagnosis.docker.faults) assert.ok(flat.includes(`${thing} ${by}`), thing);
  });

  it('puts the command that brings a thing below it, whole, to be copied', () => {
    assert.ok(lines.includes('             $ apt-get install -y fio'), lines.join('\n'));
  });

  it('tells a reason that all faults share once, and another beside its fault', () => {
    const told = (text: string) => print(diagnosis).split(text).length - 1;
    assert.equal(told('no engine answers'), 1);
    assert.equal(told('make engine'), 1);
    const [first, ...rest] = diagnosis.docker.faults;
    const mixed = [{ ...first!, state: 'ok' as const, why: 'seen' }, ...rest];
    const text = print({ ...diagnosis, docker: { ...diagnosis.docker, faults: mixed } });
    assert.match(
      text,
      /faults on docker, each tried out\n {2}ok {9}kill {11}the engine kills .*\n {2}missing /,
    );
  });

  it('ends by saying what make lab would do, and that nothing was changed', () => {
    assert.match(lines.join('\n'), /\n\nmake lab takes docker and would fail: a reason/);
    assert.equal(lines.at(-1), 'Nothing on this machine was changed: what was tried out is gone again.');
  });
});
