import assert from 'node:assert/strict';
import { parseAnswer } from './http-answer.ts';

describe('an answer over a Unix socket', () => {
  it('is its status and its body as JSON', () => {
    const text =
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"role":"active",\r\n\r\n"epoch":4}';
    assert.deepEqual(parseAnswer(text), { status: 200, body: { role: 'active', epoch: 4 } });
  });

  it('may have no body, or one that is not JSON', () => {
    assert.deepEqual(parseAnswer('HTTP/1.1 204 No Content\r\n\r\n'), { status: 204, body: undefined });
    assert.deepEqual(parseAnswer('HTTP/1.1 404 Not Found\r\n\r\nno such rule\n'), {
      status: 404,
      body: 'no such rule',
    });
  });

  it('is not made up from something else', () => {
    assert.throws(() => parseAnswer(''), /no HTTP answer: ""/);
    assert.throws(() => parseAnswer('nc: connection refused'), /no HTTP answer: "nc: connection refused"/);
  });
});
