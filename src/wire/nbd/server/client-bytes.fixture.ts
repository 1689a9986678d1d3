import { Writer } from '../../../bytes/cursor.ts';
import { NBD_CMD, NBD_FLAG_C, NBD_OPT, NBD_OPTS_MAGIC, NBD_REQUEST_MAGIC } from '../constants.ts';
import type { ServedExport } from './export.ts';
import type { ServerOutcome } from './outcome.ts';
import { NbdServerWire } from './server.ts';

/** What a client sends, written by hand: the server's tests do not trust the project's own client. */
const BOTH_FLAGS = NBD_FLAG_C.FIXED_NEWSTYLE | NBD_FLAG_C.NO_ZEROES;

export function clientFlags(flags: number = BOTH_FLAGS): Uint8Array {
  const bytes = new Uint8Array(4);
  new Writer(bytes).u32(flags);
  return bytes;
}

export function option(number: number, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const bytes = new Uint8Array(16 + data.length);
  new Writer(bytes).u64(NBD_OPTS_MAGIC).u32(number).u32(data.length).bytes(data);
  return bytes;
}

export function exportName(name: string): Uint8Array {
  return option(NBD_OPT.EXPORT_NAME, Buffer.from(name));
}

/** NBD_OPT_GO (or NBD_OPT_INFO) with the information it asks for. */
export function go(name: string, infos: readonly number[] = [], number: number = NBD_OPT.GO): Uint8Array {
  return option(number, infoData(name, infos));
}

export function infoData(name: string, infos: readonly number[]): Uint8Array {
  const encoded = Buffer.from(name);
  const data = new Uint8Array(4 + encoded.length + 2 + 2 * infos.length);
  const writer = new Writer(data).u32(encoded.length).bytes(encoded).u16(infos.length);
  for (const info of infos) writer.u16(info);
  return data;
}

export interface RequestFields {
  command: number;
  offset?: number | bigint;
  length?: number;
  flags?: number;
  cookie?: bigint;
  payload?: Uint8Array;
}

export function request({
  command,
  offset = 0,
  length,
  flags = 0,
  cookie = 0x1122334455667788n,
  payload = new Uint8Array(0),
}: RequestFields): Uint8Array {
  const bytes = new Uint8Array(28 + payload.length);
  const writer = new Writer(bytes).u32(NBD_REQUEST_MAGIC).u16(flags).u16(command).u64(cookie);
  writer
    .u64(offset)
    .u32(length ?? payload.length)
    .bytes(payload);
  return bytes;
}

export function write(offset: number, payload: Uint8Array, flags = 0): Uint8Array {
  return request({ command: NBD_CMD.WRITE, offset, payload, flags });
}

export function served(changes: Partial<ServedExport> = {}): ServedExport {
  return {
    name: 'quorum',
    sizeBytes: 65536,
    readOnly: false,
    minimumBytes: 512,
    preferredBytes: 4096,
    maximumBytes: 16384,
    ...changes,
  };
}

/** A connection that is already in transmission. `infos`: what its NBD_OPT_GO asked for. */
export function servingWire(about: ServedExport, infos: readonly number[] = []): NbdServerWire {
  const wire = new NbdServerWire(['quorum']);
  wire.receive(clientFlags());
  wire.receive(go(about.name, infos));
  if (wire.next()?.kind !== 'export-wanted') throw new Error('the fixture did not get to its export');
  wire.admit(about);
  return wire;
}

export function outcomes(wire: NbdServerWire): ServerOutcome[] {
  const all: ServerOutcome[] = [];
  for (let one = wire.next(); one !== undefined; one = wire.next()) all.push(one);
  return all;
}
