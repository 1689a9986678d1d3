import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, type ConnectionOptions, createServer, type TLSSocket } from 'node:tls';
import { key } from './pki.fixture.ts';
import { commonSettings, pskCiphers } from './settings.ts';

const psk = Buffer.from(key(1), 'hex');

/** Both ends of a session under the common settings; what the client changes comes last. */
async function session(
  changes: ConnectionOptions,
  ciphers = pskCiphers,
): Promise<AsyncDisposable & { client: TLSSocket }> {
  const server = createServer({ ...commonSettings, ciphers, pskCallback: () => psk });
  server.listen(0, '127.0.0.1').on('secureConnection', (socket) => {
    socket.on('error', () => undefined).pipe(socket);
  });
  await once(server, 'listening');
  const client = connect({
    ...{ host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    ...{ ciphers, pskCallback: () => ({ identity: 'a', psk }), ca: [] },
    ...{ checkServerIdentity: () => undefined, ...changes },
  });
  const [dispose, closed] = [() => client.destroy(), once(server, 'close')];
  return {
    client,
    [Symbol.asyncDispose]: async () => {
      dispose();
      server.close();
      await closed;
    },
  };
}

describe('the settings of TLS', () => {
  it('have no session begun anew, behind which another client could stand', async () => {
    await using both = await session({ maxVersion: 'TLSv1.2' });
    const { client } = both;
    await once(client, 'secureConnect');
    const failed = once(client, 'error');
    client.renegotiate({}, () => undefined);
    await failed;
  });

  it('have no TLS before 1.2', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } as const;
    await using both = await session(old, 'ALL:PSK:@SECLEVEL=0');
    const [error] = (await once(both.client, 'error')) as [NodeJS.ErrnoException];
    assert.match(String(error.code), /PROTOCOL_VERSION|NO_PROTOCOLS/);
  });
});
