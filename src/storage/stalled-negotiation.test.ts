import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { key, Pki } from '../tls/pki.fixture.ts';
import { pskCiphers } from '../tls/settings.ts';
import { NBD_OPT } from '../wire/nbd/constants.ts';
import { go, option } from '../wire/nbd/server/client-bytes.fixture.ts';
import { StorageDir, TestGate } from './gate.fixture.ts';
import type { RawClient } from './raw-client.fixture.ts';

/** Nothing but the deadline of the negotiation can be what ends them: it is a hundredth of every other. */
const patience = { negotiateMs: 100, moveMs: 10_000 };
const alphaByKey: ConnectionOptions = {
  ciphers: pskCiphers,
  pskCallback: () => ({ identity: 'alpha', psk: Buffer.from(key(1), 'hex') }),
  checkServerIdentity: () => undefined,
};
const LIST = option(NBD_OPT.LIST);
const MANY_LISTS = Buffer.concat(Array<Uint8Array>(200).fill(LIST));
const HALF_AN_OPTION = go('quorum').subarray(0, 20);
/** An option whose data has 4 GB. */
const ENDLESS_OPTION = Buffer.concat([go('quorum').subarray(0, 12), Buffer.alloc(4, 0xff)]);
/** The first bytes of a TLS record with a ClientHello of 508 bytes. */
const HALF_A_HELLO = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252]);

async function send(client: RawClient, ...parts: readonly Uint8Array[]): Promise<void> {
  for (const part of parts) client.send(part);
}

/** Sends it again and again until the connection is over. */
async function flood(client: RawClient, bytes: Uint8Array): Promise<void> {
  const over = client.closed.then(() => true);
  do client.send(bytes);
  while (!(await Promise.race([over, turn(false)])));
}

async function acknowledged(client: RawClient): Promise<RawClient> {
  client.send(option(NBD_OPT.STARTTLS));
  await client.acknowledged();
  return client;
}

async function secured(client: RawClient): Promise<RawClient> {
  await client.secure(alphaByKey);
  return client;
}

async function frozen(client: RawClient): Promise<RawClient> {
  client.freeze();
  return client;
}

// prettier-ignore
const stalls: readonly [what: string, stall: (client: RawClient) => Promise<unknown>][] = [
  ['says nothing',                                    (client) => send(client)],
  ['asks for everything but TLS, again and again',    (client) => flood(client, LIST)],
  ['takes no answer',                                 async (client) => flood(await frozen(client), MANY_LISTS)],
  ['takes no answer, not even the acknowledgement',   async (client) => send(await frozen(client), ...Array<Uint8Array>(1000).fill(MANY_LISTS), option(NBD_OPT.STARTTLS))],
  ['sends half of an option',                         (client) => send(client, HALF_AN_OPTION)],
  ['sends an option without end',                     async (client) => (await send(client, ENDLESS_OPTION), flood(client, Buffer.of(0)))],
  ['begins no handshake',                             (client) => acknowledged(client)],
  ['sends half of a handshake',                       async (client) => send(await acknowledged(client), HALF_A_HELLO)],
  ['sends a handshake byte by byte',                  async (client) => (await send(await acknowledged(client), HALF_A_HELLO), send(client, Buffer.of(0)))],
  ['says nothing under TLS',                          (client) => secured(client)],
  ['sends half of an option under TLS',               async (client) => send(await secured(client), HALF_AN_OPTION)],
  ['asks for no export under TLS, again and again',   async (client) => flood(await secured(client), LIST)],
  ['takes no answer under TLS',                       async (client) => flood(await frozen(await secured(client)), MANY_LISTS)],
];

describe('the gate that requires TLS ends a client that', () => {
  let pki: Pki;
  before(() => (pki = new Pki()));
  after(() => pki[Symbol.dispose]());

  for (const [what, stall] of stalls) {
    it(`${what}, when its time is over`, async () => {
      using dir = new StorageDir();
      const tls = { mode: 'require', pskFile: pki.psk('keys.psk', { alpha: key(1) }) } as const;
      await using gate = await TestGate.start(dir, { tls, patience });
      const client = await gate.connect();
      const stalled = stall(client).catch(() => undefined);
      const { reason } = await gate.audit.line('disconnected');
      client.thaw();
      await client.closed;
      await stalled;
      assert.equal(reason, 'the client asked for no export that it could have within 100 ms');
    });
  }
});
