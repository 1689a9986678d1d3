import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { NBD_INFO, NBD_OPT, NBD_REP, NBD_REP_ERR } from '../../wire/nbd/constants.ts';
import {
  acknowledgement,
  bytesOf,
  exportReply,
  greeting,
  infoBlockSize,
  infoExport,
  optionReply,
  simpleReply,
  structuredAgreed,
  structuredRefused,
  welcome,
} from '../../wire/nbd/server-bytes.fixture.ts';
import { formatNbdUri } from '../uri-nbd.ts';
import { NbdConnection } from './connection.ts';
import { pour, pouredBytes } from './hostile.fixture.ts';
import { says, ScriptedServer } from './scripted-server.fixture.ts';

const long = 10_000;
const soon = 100;
const noGo = optionReply(NBD_REP_ERR.UNSUP);
const hugeText = `${'\r\n\0\x1b[2J'.repeat(100)}${'\u{1f4a5}'.repeat(1800)}`;
const wrongReplyMagic = bytesOf(Buffer.alloc(8, 0xee), structuredAgreed.subarray(8));
const replyHead = (length: number, option: number = NBD_OPT.GO): Uint8Array =>
  bytesOf(optionReply(NBD_REP.INFO, bytesOf(), option).subarray(0, 16), [32, length]);

/** How opening ends; `#` stands for the URI. */
async function refusalOf(server: ScriptedServer, deadlineMs: number): Promise<[name: string, text: string]> {
  const { address } = server;
  const uri = formatNbdUri(address, 'quorum');
  const error: unknown = await NbdConnection.open({ address, exportName: 'quorum', deadlineMs }).then(
    () => assert.fail('it was opened'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof Error);
  return [error.name, error.message.replace(uri, '#')];
}

/** Resolves when the client has closed the connection it made first. */
async function leftBy(server: ScriptedServer): Promise<void> {
  const socket = server.connections[0]!;
  if (!socket.closed) await new Promise((resolve) => socket.resume().on('close', resolve));
}

describe('an NBD server that is hostile while negotiating', () => {
  // prettier-ignore
  const silent: readonly [what: string, ...said: Uint8Array[]][] = [
    [ 'from the beginning' ],
    [ 'within its greeting', greeting().subarray(0, 17) ],
    [ 'after its greeting', greeting() ],
    [ 'within the head of an option reply', greeting(), structuredAgreed.subarray(0, 19) ],
    [ 'after structured replies', greeting(), structuredAgreed ],
    [ 'before the data of an option reply', greeting(), structuredAgreed, replyHead(8192) ],
    [ 'within the data of an option reply', greeting(), structuredAgreed, replyHead(8192), Buffer.alloc(8191) ],
    [ 'before its acknowledgement', greeting(), structuredAgreed, infoExport(512) ],
    [ 'after refusing NBD_OPT_GO', greeting(), structuredAgreed, noGo ],
    [ 'within the zeroes', greeting(0), exportReply(512, 123) ],
  ];
  for (const [what, ...said] of silent) {
    it(`is left at the deadline when it falls silent ${what}`, async () => {
      await using server = await ScriptedServer.listen({ opening: says(...said) });
      assert.deepEqual(await refusalOf(server, soon), [
        'RequestFailed',
        `#: not connected: no NBD negotiation within ${soon} ms`,
      ]);
      await leftBy(server);
    });
  }

  // prettier-ignore
  const garbled: readonly [what: string, said: readonly Uint8Array[], text: string][] = [
    [ 'another protocol', [bytesOf('HTTP/1.1 400 Bad Request\r\n')], 'not an NBD server: its greeting begins with "HTTP/1.1"' ],
    [ 'zeroes', [Buffer.alloc(64)], 'not an NBD server: its greeting begins with 0000000000000000' ],
    [ 'an oldstyle greeting', [bytesOf('NBDMAGIC', [64, 0x00420281861253n], [64, 512], Buffer.alloc(128))], 'an oldstyle NBD server; newstyle is needed' ],
    [ 'half a greeting', [bytesOf('NBDMAGIC', Buffer.alloc(10, 1))], 'the greeting has 0x101010101010101 in the place of IHAVEOPT' ],
    [ 'an option reply with another magic', [greeting(), wrongReplyMagic], 'an option reply with magic 0xeeeeeeeeeeeeeeee' ],
    [ 'an answer to another option', [greeting(), acknowledgement], 'a reply to option 7, and NBD_OPT_STRUCTURED_REPLY (8) was sent' ],
    [ 'an option reply of 4 GiB', [greeting(), structuredAgreed, replyHead(0xffffffff)], 'an option reply of 4294967295 bytes; at most 8192 are read' ],
    [ 'one that is a byte too long', [greeting(), replyHead(8193, 8)], 'an option reply of 8193 bytes; at most 8192 are read' ],
    [ 'an acknowledgement of nothing', [greeting(), structuredAgreed, acknowledgement], 'NBD_OPT_GO was acknowledged without NBD_INFO_EXPORT' ],
    [ 'a reply of no known type', [greeting(), structuredAgreed, optionReply(77)], 'an option reply of type 77 to NBD_OPT_GO' ],
    [ 'an export beyond all numbers', [greeting(), structuredAgreed, infoExport(2n ** 64n - 1n)], 'an export of 18446744073709551615 bytes; at most 9007199254740991 can be addressed' ],
    [ 'the same by its older name', [greeting(0), exportReply(2n ** 63n, 124)], 'an export of 9223372036854775808 bytes; at most 9007199254740991 can be addressed' ],
    [ 'blocks of 0 bytes', [greeting(), structuredAgreed, infoBlockSize(0, 0, 0)], 'NBD_INFO_BLOCK_SIZE: a minimum of 0 bytes is not a power of two up to 65536' ],
    [ 'information cut short', [greeting(), structuredAgreed, optionReply(NBD_REP.INFO, bytesOf([16, NBD_INFO.EXPORT], [64, 1]))], 'NBD_INFO_EXPORT of 10 bytes, it has 12' ],
    [ 'an answer nobody asked for', [bytesOf(welcome(65536), simpleReply(1n))], 'a reply with cookie 0x1, which no open request has' ],
    [ 'garbage behind its acknowledgement', [bytesOf(welcome(65536), Buffer.alloc(4096, 'x'))], 'a reply with magic 0x78787878' ],
    [ 'a refusal of 4096 bytes, with what drives a terminal', [greeting(), structuredAgreed, optionReply(NBD_REP_ERR.POLICY, bytesOf(hugeText))],
      `the server refused the export with NBD_REP_ERR_POLICY: ${Array.from({ length: 100 }, () => '[2J').join(' ')}${'\u{1f4a5}'.repeat(50)}...` ],
    [ 'a refusal nobody knows', [greeting(), structuredAgreed, optionReply(2 ** 32 - 1, Buffer.alloc(8192, 0xff))],
      `the server refused the export with NBD_REP_ERR 2147483647: ${'\ufffd'.repeat(500)}...` ],
  ];
  for (const [what, said, text] of garbled) {
    it(`is named and left when it says ${what}`, async () => {
      await using server = await ScriptedServer.listen({ opening: says(...said) });
      assert.deepEqual(await refusalOf(server, long), ['DeviceUnusable', `#: ${text}`]);
      await leftBy(server);
    });
  }

  // prettier-ignore
  const endless: readonly [what: string, first: readonly Uint8Array[], again: Uint8Array, text: string][] = [
    [ 'text', [], bytesOf('spam '), 'not an NBD server: its greeting begins with "spam spa"' ],
    [ 'greetings', [], greeting(), 'an option reply with magic 0x4e42444d41474943' ],
    [ 'agreement', [greeting()], structuredAgreed, 'a reply to option 8, and NBD_OPT_GO (7) was sent' ],
    [ 'information', [greeting(), structuredAgreed], infoExport(512), 'more than 64 replies to NBD_OPT_GO' ],
    [ 'information nobody knows', [greeting(), structuredAgreed], optionReply(NBD_REP.INFO, bytesOf([16, 99], Buffer.alloc(8000))), 'more than 64 replies to NBD_OPT_GO' ],
    [ 'zeroes', [greeting(0)], Buffer.alloc(4096), 'a reply with magic 0x00000000' ],
    [ 'refusals', [greeting(), structuredRefused], optionReply(NBD_REP_ERR.UNKNOWN), 'the server refused the export with NBD_REP_ERR_UNKNOWN: it has no export of this name' ],
  ];
  for (const [what, first, again, text] of endless) {
    it(`is left when there is no end of ${what}, and gets rid of no more than buffers hold`, async () => {
      let poured!: Promise<number>;
      const opening = (socket: Socket): void => {
        says(...first)(socket);
        poured = pour(socket, again);
      };
      await using server = await ScriptedServer.listen({ opening });
      assert.deepEqual(await refusalOf(server, long), ['DeviceUnusable', `#: ${text}`]);
      assert.ok((await poured) < pouredBytes);
    });
  }

  it('is left at the deadline when it goes on, byte by byte, for longer', async () => {
    const said = bytesOf(greeting(), structuredAgreed, replyHead(8192), Buffer.alloc(8192));
    let timer: NodeJS.Timeout | undefined;
    const opening = (socket: Socket): void => {
      let at = 0;
      timer = setInterval(() => socket.write(said.subarray(at, (at += 1))), 5);
    };
    await using server = await ScriptedServer.listen({ opening });
    const [name, text] = await refusalOf(server, soon);
    assert.deepEqual(
      [name, text],
      ['RequestFailed', `#: not connected: no NBD negotiation within ${soon} ms`],
    );
    clearInterval(timer);
    await leftBy(server);
  });
});
