import assert from 'node:assert/strict';
import { InfrastructureError, UsageError } from '../errors.ts';
import { detectEngine } from './detect.ts';

const answering = async () => ({ answers: true as const, version: '20.10.24' });
const missing = async () => ({ answers: false as const, why: 'there is no /s' });
const notAsked = () => assert.fail('Docker was asked');

describe('the engine of a lab', () => {
  it('is Docker where one answers, and says which', async () => {
    const found = { engine: 'docker', why: 'Docker 20.10.24 answers' };
    assert.deepEqual(await detectEngine(undefined, answering), found);
    assert.deepEqual(await detectEngine('docker', answering), found);
  });

  it('is processes where none answers, and says why', async () => {
    assert.deepEqual(await detectEngine(undefined, missing), {
      engine: 'process',
      why: 'no Docker engine: there is no /s',
    });
  });

  it('is processes when they are asked for, without a look at Docker', async () => {
    assert.deepEqual(await detectEngine('process', notAsked), { engine: 'process', why: 'as asked for' });
  });

  it('is an error when Docker is asked for and missing, never something else instead', async () => {
    const expected = new InfrastructureError('no Docker engine: there is no /s');
    await assert.rejects(detectEngine('docker', missing), expected);
  });

  it('is an error when there is none of that name', async () => {
    await assert.rejects(detectEngine('podman', notAsked), UsageError);
  });
});
